"""The project of a rehearsal: a copy of the user's, its branches as `mcci sync` makes them, in the local GitLab."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from mcci.check.words import did_you_mean
from mcci.clients import processes
from mcci.clients.git import GitFailed, Repository
from mcci.config.choices import Layout
from mcci.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.config.model import Config
    from mcci.rehearsal.gitlab.model import User
    from mcci.rehearsal.gitlab.site import Site

FILE = "mcci.yml"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "*.egg-info", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    "build", "dist",
)  # fmt: skip


def copy(source: Path, folder: Path, overlay: Mapping[str, Any], services: Collection[str] = ()) -> Config:
    """Copy a project into `folder`, mcci.yml with `overlay` over it, and return its configuration.

    `services` are those that take part; empty: all. Raises `UsageError` where mcci.yml has none of that name, and
    `InvalidInput` where there is something wrong with that.
    """
    from mcci.clients import repository
    from mcci.clients.files import read

    text = read(source / FILE, advice="A rehearsal needs a project with an mcci.yml.").decode("utf-8")
    if not folder.exists():
        shutil.copytree(source, folder, ignore=LEFT_OUT, symlinks=True)
    (folder / FILE).write_text(overlaid(text, overlay, services), "utf-8")
    return repository.load_config(folder / FILE)


class Checkout:
    """A developer's clone of the rehearsal's project."""

    def __init__(self, folder: Path, site: Site, user: User) -> None:
        """`user` is who commits and pushes."""
        self.folder = folder
        self._site = site
        self._user = user
        self._git = Repository(folder)

    @property
    def url(self) -> str:
        """Where it pushes to, with the user's token."""
        scheme, _, rest = self._site.url.partition("://")
        return f"{scheme}://{self._user.login}:{self._user.token}@{rest}/{self._site.settings.path}.git"

    def publish(self, config: Config) -> None:
        """Make the project's branches of the files that are there, and push them: the code, the pipelines, the charts.

        Raises `UsageError` where mcci finds something wrong with them.
        """
        for arguments in (
            ("init", "--quiet", f"--initial-branch={config.branches.default}"),
            ("config", "user.name", self._user.name),
            ("config", "user.email", self._user.email),
            ("config", "commit.gpgsign", "false"),
            ("remote", "add", "origin", self.url),
        ):
            self._git.run(*arguments)
        if config.layout is Layout.THREE_BRANCH:
            self._first_commits(config)
        else:
            self._commit_all("The project")
        self._git.run("push", "--quiet", "origin", "--all")
        self._mcci("sync", "--push")
        self._git.run("fetch", "--quiet", "origin")

    def _first_commits(self, config: Config) -> None:
        """Give the code to development, and mcci.yml alone to the default branch; `mcci sync` does the rest."""
        branches = config.branches
        self._git.run("add", "--all")
        tree = self._git.run("write-tree").stdout.decode().strip()
        self._git.run("read-tree", "--empty")
        self._git.run("add", FILE)
        self._git.run("commit", "--quiet", "--message=The delivery's configuration")
        first = self._git.run("rev-parse", "HEAD").stdout.decode().strip()
        made = self._git.run("commit-tree", tree, "-p", first, data=b"The services").stdout.decode().strip()
        self._git.run("update-ref", f"refs/heads/{branches.development}", made)

    def _commit_all(self, message: str) -> None:
        self._git.run("add", "--all")
        self._git.run("commit", "--quiet", f"--message={message}")

    def push(self, settings: Mapping[str, Any]) -> str:
        """Change files on a branch, commit and push, and return the commit. Raises `UsageError`."""
        branch = settings["branch"]
        self._git.run("fetch", "--quiet", "origin")
        start = f"origin/{branch}" if self._git.commit_of(f"origin/{branch}") else "HEAD"
        self._git.run("checkout", "--quiet", "--force", "-B", branch, start)
        self._git.run("clean", "--quiet", "-ffdx")
        for name, text in (settings.get("write") or {}).items():
            self._file(name).parent.mkdir(parents=True, exist_ok=True)
            self._file(name).write_text(text, "utf-8")
        for name, changes in (settings.get("replace") or {}).items():
            self._replace(name, changes)
        for name in settings.get("remove") or ():
            self._file(name).unlink()
        self._git.run("add", "--all")
        self._git.run("commit", "--quiet", "--allow-empty", f"--message={settings['message']}")
        try:
            self._git.run("push", "--quiet", "origin", branch)
        except GitFailed as error:
            raise UsageError(f"the push to {branch} was refused: {error}") from error
        return self._git.run("rev-parse", "HEAD").stdout.decode().strip()

    def _replace(self, name: str, changes: Mapping[str, str]) -> None:
        file = self._file(name)
        if not file.is_file():
            raise UsageError(f"there is no file {name} to replace something in")
        text = file.read_text("utf-8")
        for old, new in changes.items():
            if old not in text:
                raise UsageError(f"{name} does not hold {old!r}: the scenario no longer fits the project")
            text = text.replace(old, new)
        file.write_text(text, "utf-8")

    def _file(self, name: str) -> Path:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise UsageError(f"{name} is not inside the project")
        return path

    def _mcci(self, *arguments: str) -> None:
        import os

        lines: list[str] = []
        own = ("CI_", "GITLAB_", "MCCI_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        code = processes.run(
            [sys.executable, "-m", "mcci", *arguments], lines.append, environment=environment, folder=self.folder
        )
        if code:
            said = "\n".join(lines)
            raise UsageError(f"`mcci {' '.join(arguments)}` in the rehearsal's project ended with {code}:\n{said}")


def overlaid(text: str, overlay: Mapping[str, Any], services: Collection[str] = ()) -> str:
    """Return mcci.yml's text with other values, mapping by mapping; its comments stay. Raises `UsageError`."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    found = yaml.load(text)
    if services:
        _narrow(found, services)
    _merge(found, overlay)
    out = io.StringIO()
    yaml.dump(found, out)
    return out.getvalue()


def _narrow(found: Any, services: Collection[str]) -> None:
    known = found.get("services") or {}
    for name in services:
        if name not in known:
            raise UsageError(f"mcci.yml has no service {name!r}{did_you_mean(name, known)}")
    for name in [name for name in known if name not in services]:
        del known[name]


def _merge(into: Any, overlay: Mapping[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), Mapping):
            _merge(into[key], value)
        elif isinstance(value, Mapping):
            into[key] = {}
            _merge(into[key], value)
        else:
            into[key] = list(value) if isinstance(value, list | tuple) else value
