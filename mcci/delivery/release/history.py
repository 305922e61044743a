"""The commits between two releases of a service, asked of the clone at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.git import Repository

FORMAT = "%H%x1f%an%x1f%s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit: its id, who wrote it, its first line."""

    id: str
    author: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The commits that came, and those that were taken back, the newest first."""

    added: tuple[Commit, ...]
    removed: tuple[Commit, ...]


def between(repository: Repository, before: str, after: str, paths: Sequence[str]) -> Between | None:
    """Return the commits that touch `paths`; None where the clone does not have them all."""
    if repository.commit_of(before) is None or repository.commit_of(after) is None:
        return None
    return Between(added=_log(repository, before, after, paths), removed=_log(repository, after, before, paths))


def _log(repository: Repository, old: str, new: str, paths: Sequence[str]) -> tuple[Commit, ...]:
    found = repository.run("log", f"--format={FORMAT}", f"{old}..{new}", "--", *paths).stdout
    lines = found.decode("utf-8", "replace").splitlines()
    return tuple(Commit(id=id_, author=author, subject=subject) for id_, author, subject in map(_split, lines))


def _split(line: str) -> tuple[str, str, str]:
    id_, author, subject = line.split("\x1f", 2)
    return id_, author, subject
