"""A GitLab project as git sees it: a bare repository as the remote, and a person's clone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = """\
version: 1
application: shop
services:
  cart: {}
clusters:
  one: {cloud: aws}
  two: {cloud: aws}
environments:
  stage: {clusters: [one]}
  production: {clusters: [two]}
"""
MCCI = Path(sys.executable).with_name("mcci")
BRANCHES = ("master", "development", "deployment")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command line ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Project:
    """The clone at `work`, the remote at `origin`."""

    work: Path
    origin: Path
    environment: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Run git, which must succeed, and return what it wrote."""
        done = subprocess.run(
            ["git", *arguments], cwd=folder or self.work, env=self._environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"git {arguments}: {done.stderr}"
        return done.stdout.strip()

    def mcci(self, *arguments: str, folder: Path | None = None, **environment: str) -> Done:
        """Run mcci, and return how it ended."""
        done = subprocess.run(
            [str(MCCI), *arguments],
            cwd=folder or self.work,
            env={**self._environment(), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        assert "bug in mcci" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def sync(self, *arguments: str, **environment: str) -> Done:
        """Run `mcci sync`, which must succeed."""
        done = self.mcci("sync", *arguments, folder=None, **environment)
        assert done.code == 0, done.err
        return done

    def commit(self, **files: str | None) -> None:
        """Write files (None deletes) and commit them on the branch checked out; `__` in a name stands for `/`."""
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "work")

    def write(self, name: str, text: str | None) -> None:
        """Write a file of the checkout, or delete it."""
        path = self.work / name.replace("__", "/").replace("_yml", ".yml")
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def files(self, ref: str, folder: Path | None = None) -> list[str]:
        """Return the paths of the files that a commit holds."""
        return self.git("ls-tree", "-r", "--name-only", ref, folder=folder).splitlines()

    def checkout_state(self) -> tuple[str, str, dict[str, bytes]]:
        """Return HEAD, the index and every file: what `mcci sync` may not touch."""
        files = {
            path.relative_to(self.work).as_posix(): path.read_bytes()
            for path in self.work.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(self.work).parts[:1]
        }
        head = (self.work / ".git" / "HEAD").read_text()
        return head + self.git("rev-parse", "HEAD"), self.git("ls-files", "--stage"), files

    def branches(self, folder: Path | None = None) -> dict[str, str]:
        """Return every ref with its commit."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", folder=folder).splitlines()
        return dict(line.split(" ") for line in lines)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.work.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "NO_COLOR": "1",
            **self.environment,
        }


def make(folder: Path, config: str = CONFIG) -> Project:
    """Return a project whose default branch holds a service and mcci.yml, pushed."""
    origin, work = folder / "origin.git", folder / "work"
    project = Project(work, origin)
    folder.mkdir(exist_ok=True)
    (folder / ".gitconfig").write_text(
        "[user]\n name = Ada\n email = ada@example.com\n[init]\n defaultBranch = master\n"
    )
    project.git("init", "--quiet", "--bare", str(origin), folder=folder)
    project.git("clone", "--quiet", str(origin), str(work), folder=folder)
    (work / "mcci.yml").write_text(config)
    (work / "cart").mkdir()
    (work / "cart" / "Dockerfile").write_text("FROM scratch\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Start")
    project.git("push", "--quiet", "origin", "master")
    return project
