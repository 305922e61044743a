"""The checkout that mcci runs in, asked of `git`; and the configuration, read from it."""

from __future__ import annotations

import posixpath
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import files
from mcci.config.load import load
from mcci.errors import InvalidInput, UsageError
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.model import Config


def load_config(path: Path) -> Config:
    """Return the configuration at `path`; its paths are relative to its folder, and none leads out of it.

    Raises `InvalidInput` with every finding.
    """
    config = load(files.read(path, advice="'mcci init' writes one for this repository."), str(path))
    findings = check_paths(config, path.parent)
    if findings:
        raise InvalidInput(findings)
    return config


def root(start: Path) -> Path:
    """Return the top folder of the checkout that holds `start`. Raises `UsageError` outside of one."""
    found = _git(start, "rev-parse", "--show-toplevel")
    if found.returncode:
        reason = found.stderr.strip().removeprefix("fatal: ") or "git does not say why"
        raise UsageError(f"{start} is in no git checkout that can be used: {reason}")
    return Path(found.stdout.removesuffix("\n"))


def branch(root: Path) -> str | None:
    """Return the branch that is checked out; None on a detached head (as in CI jobs) and outside of a checkout."""
    return _answer(root, "symbolic-ref", "--quiet", "--short", "HEAD")


def default_branch(root: Path) -> str | None:
    """Return the branch that the remote calls its default, as the last clone or fetch told; None when unknown."""
    found = _answer(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return found.removeprefix("origin/") if found else None


def remote(root: Path) -> str | None:
    """Return the URL of the remote `origin`, or of the only remote; None when there is none."""
    names = (_answer(root, "remote") or "").split()
    name = "origin" if "origin" in names else names[0] if len(names) == 1 else ""
    return _answer(root, "remote", "get-url", name) if name else None


def branches(root: Path) -> tuple[str, ...]:
    """Return the names of the local branches and of those of `origin`, in order."""
    places = ("refs/heads", "refs/remotes/origin")
    found = _answer(root, "for-each-ref", "--format=%(refname)", *places) or ""
    names = (line.removeprefix(f"{place}/") for line in found.splitlines() for place in places if place in line)
    return tuple(sorted({name for name in names if name != "HEAD" and not name.startswith("refs/")}))


def check_paths(config: Config, root: Path) -> list[Finding]:
    """Return a finding for each path of `config` that leads out of `root` through a symbolic link."""
    top = root.resolve()
    outside: list[tuple[str, Position]] = []
    for path, position in _paths(config):
        if not _inside(top / path, top) and not any(f"{path}/".startswith(f"{other}/") for other, _ in outside):
            outside.append((path, position))
    return [
        Finding(
            rule="config-outside",
            message=f"'{path}' leads out of the repository: a part of it is a symbolic link.",
            position=position,
            help="Put the files themselves there.",
        )
        for path, position in outside
    ]


def _paths(config: Config) -> Iterator[tuple[str, Position]]:
    for service in config.services.values():
        yield service.folder, service.marks.of("path")
        yield service.build_context, service.marks.of("context")
        yield service.dockerfile_path, service.marks.of("dockerfile")
        for number, path in enumerate(service.depends_on):
            if "/" in path:
                yield posixpath.normpath(path), service.marks.item("depends_on", number)
    if config.rancher.ca:
        yield config.rancher.ca, config.rancher.marks.of("ca")
    for name in ("templates", "charts"):
        yield getattr(config, name), config.marks.of(name)
    for number, path in enumerate(config.include):
        yield path.split("*")[0], config.marks.item("include", number)


def _inside(path: Path, top: Path) -> bool:
    try:
        return path.resolve().is_relative_to(top)
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, a name that is too long
        return False


def _answer(root: Path, *arguments: str) -> str | None:
    found = _git(root, *arguments)
    return found.stdout.strip() or None if found.returncode == 0 else None


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise UsageError("git is needed, and it is not on PATH.") from error
