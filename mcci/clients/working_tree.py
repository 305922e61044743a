"""The files that git tracks, as they stand in the working tree: what a build sees, told apart by content."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients.git import GitFailed, Repository
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINK, _NOTHING = "120000", "000000"
_CONTENTS = frozenset({"100644", "100755", _LINK})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """A checkout at one moment.

    `files` maps each tracked path, relative to the folder asked for, to `mode id`; `changed` are those that differ
    from `commit`; `committed` is the commit's time, in seconds since 1970.
    """

    commit: str
    committed: int
    files: Mapping[str, str]
    changed: tuple[str, ...]


def read(folder: Path) -> WorkingTree:
    """Return the tracked files below `folder`: the commit's, with the uncommitted changes put in.

    Nothing is written, not even git's index. Raises `UsageError` outside of a checkout and where there is no commit.
    """
    git = Repository(folder)
    try:
        top, _, prefix = git.run("rev-parse", "--show-toplevel", "--show-prefix").stdout.decode().partition("\n")
        commit, committed = git.run("log", "-1", "--format=%H %ct").stdout.decode().split()
        listing = git.run("ls-tree", "-r", "-z", "HEAD", "--", ".").stdout
        changes = _changes(git.run("diff-index", "--relative", "--no-renames", "-z", "HEAD", "--", ".").stdout)
    except GitFailed as error:
        raise UsageError(f"{folder}: content tags need a git checkout with a commit: {error}") from error
    before = dict(_entry(line) for line in listing.decode(errors="surrogateescape").split("\0") if line)
    files = dict(before)
    open_ = {path: mode for path, (mode, id_) in changes.items() if mode in _CONTENTS and not id_.strip("0")}
    ids = _ids(Repository(Path(top)), prefix.strip("\n"), open_)
    for path, (mode, id_) in changes.items():
        if mode == _NOTHING or (path in open_ and path not in ids):
            files.pop(path, None)
        elif mode in _CONTENTS:  # not a submodule, whose commit counts as it is recorded
            files[path] = f"{mode} {ids.get(path, id_)}"
    changed = tuple(path for path in sorted(before.keys() | files.keys()) if before.get(path) != files.get(path))
    return WorkingTree(commit=commit, committed=int(committed), files=files, changed=changed)


def below(folder: Path, commit: str) -> dict[str, str]:
    """Return the files of `commit` below `folder`, as `read` does; none where a shallow clone lacks the commit."""
    found = Repository(folder).attempt("ls-tree", "-r", "-z", commit, "--", ".")
    lines = found.stdout.decode(errors="surrogateescape").split("\0")
    return dict(_entry(line) for line in lines if line) if found.returncode == 0 else {}


def history(folder: Path, limit: int) -> list[str]:
    """Return the ids of the last commits, the newest first, merged branches left out: what was delivered."""
    found = Repository(folder).attempt("rev-list", "--first-parent", f"--max-count={limit}", "HEAD")
    return found.stdout.decode().split()


def _entry(line: str) -> tuple[str, str]:
    facts, path = line.split("\t", 1)
    mode, _, id_ = facts.split()
    return path, f"{mode} {id_}"


def _changes(raw: bytes) -> dict[str, tuple[str, str]]:
    """Return each changed path's new mode and id; an id of zeros is one that git has not computed."""
    fields = raw.decode(errors="surrogateescape").split("\0")
    return {path: (facts.split()[1], facts.split()[3]) for facts, path in zip(fields[::2], fields[1::2], strict=False)}


def _ids(git: Repository, prefix: str, modes: Mapping[str, str]) -> dict[str, str]:
    """Return the ids that git would give the files as they stand; those that are gone are left out.

    `git` stands at the top of the checkout: from below it, `hash-object` does not find the files.
    """
    found: dict[str, str] = {}
    plain = [path for path, mode in modes.items() if mode != _LINK and (git.root / prefix / path).is_file()]
    if plain:
        paths = "".join(f"{prefix}{path}\n" for path in plain).encode(errors="surrogateescape")
        lines = git.run("hash-object", "--stdin-paths", data=paths).stdout.decode().split()
        found = dict(zip(plain, lines, strict=True))
    for path, mode in modes.items():
        link = git.root / prefix / path
        if mode == _LINK and link.is_symlink():
            target = os.fsencode(os.readlink(link))
            found[path] = git.run("hash-object", "--stdin", "--no-filters", data=target).stdout.decode().strip()
    return found
