"""Git, run as a process: commits made beside the checkout, without touching it.

A commit is put together in a private index. The user's index, HEAD and files stay as they are, whatever branch is
checked out; there is no second working tree to write and clean up; and a git that is interrupted leaves nothing but
unreferenced objects, which git itself removes (docs/decisions/0004-sync-by-private-index.md).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import ExitCode, McciError, ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEADLINE = 60.0  # seconds, for what speaks to nobody
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class Locked(McciError):
    """Another process of mcci is at work on this repository."""

    exit_code = ExitCode.LOCKED


class GitFailed(McciError):
    """Git said no: `str()` is what it said, without credentials."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a commit: its mode, as git writes it, and the id of its content."""

    mode: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who commits, where git itself has not been told."""

    name: str
    email: str


class Repository:
    """One git repository, by the top folder of a checkout of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # A hook that runs mcci has these set, for its own repository and index.
        mine = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
        self._environment = {**mine, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
        if not sys.stdin.isatty():
            self._environment["GIT_TERMINAL_PROMPT"] = "0"

    def commit_of(self, name: str) -> str | None:
        """Return the id of the commit that `name` (a ref, HEAD, an id) stands for; None when there is none."""
        found = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return found.stdout.decode().strip() or None if found.returncode == 0 else None

    def checked_out(self) -> dict[str, Path]:
        """Return the branches that are checked out, here or in another worktree, and where."""
        found: dict[str, Path] = {}
        folder = self.root
        for line in self._text("worktree", "list", "--porcelain").splitlines():
            key, _, value = line.partition(" ")
            if key == "worktree":
                folder = Path(value)
            elif key == "branch":
                found[value.removeprefix("refs/heads/")] = folder
        return found

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether `new` contains `old`."""
        return self.attempt("merge-base", "--is-ancestor", old, new).returncode == 0

    def is_shallow(self) -> bool:
        """Return whether the history is cut off, as in CI."""
        return self._text("rev-parse", "--is-shallow-repository").strip() == "true"

    def files(self, commit: str, *paths: str) -> dict[str, Entry]:
        """Return the files of `commit` at and below `paths`, by path."""
        listing = self._text("ls-tree", "-z", "-r", "--full-tree", commit, "--", *paths)
        found = {}
        for line in filter(None, listing.split("\0")):
            facts, path = line.split("\t", 1)
            mode, kind, content = facts.split()
            if kind == "blob":
                found[path] = Entry(mode, content)
        return found

    def content(self, id_: str) -> bytes:
        """Return the content with this id."""
        return self.run("cat-file", "blob", id_).stdout

    def holding(self, commit: str, text: str, *paths: str) -> dict[str, Entry]:
        """Return the files of `commit` among `paths` (git's pathspecs) that hold `text`, by path."""
        found = self.attempt("grep", "-z", "-l", "-F", "-e", text, commit, "--", *paths).stdout.decode()
        names = [line.removeprefix(f"{commit}:") for line in found.split("\0") if line]
        return self.files(commit, *names) if names else {}

    def id_of(self, path: str, data: bytes) -> str:
        """Store `data` as the content of `path`, line endings as the repository keeps them, and return its id."""
        return self.run("hash-object", "-w", "--stdin", f"--path={path}", data=data).stdout.decode().strip()

    def ids_on_disk(self, folder: Path, paths: Iterable[str]) -> dict[str, str]:
        """Return the ids of the contents that stand below `folder`, by path; what is no plain file is left out."""
        found = [path for path in paths if (folder / path).is_file() and not (folder / path).is_symlink()]
        return {path: self.id_of(path, (folder / path).read_bytes()) for path in found}

    def commit(
        self, parent: str | None, changes: Mapping[str, Entry | None], message: str, author: Author | None
    ) -> str:
        """Return the id of a new commit upon `parent` (None: a first commit) with `changes`; None removes a file.

        No ref moves, no hook runs. `author` is used where git's configuration names nobody.
        """
        lines = "".join(
            f"{entry.mode} {entry.content}\t{path}\0" if entry else f"0 {'0' * len(parent or '')}\t{path}\0"
            for path, entry in changes.items()
        )
        with tempfile.TemporaryDirectory(prefix="mcci-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self.run("read-tree", parent or "--empty", environment=index)
            self.run(
                "update-index", "-z", "--index-info", environment=index, data=lines.encode(errors="surrogateescape")
            )
            tree = self._text("write-tree", environment=index).strip()
        sign = ["-S"] if self._config("commit.gpgSign", "--type=bool") == "true" else []
        parents = ["-p", parent] if parent else []
        known = author is None or self._config("user.email") or "GIT_AUTHOR_EMAIL" in self._environment
        who = {} if known or author is None else _identity(author)
        return self._text("commit-tree", *sign, tree, *parents, data=message.encode(), environment=who).strip()

    def message(self, commit: str) -> str:
        """Return a commit's message."""
        return self._text("log", "-1", "--no-show-signature", "--format=%B", commit)

    def commits(self, commit: str, *, without: Iterable[str]) -> list[str]:
        """Return the ids of `commit` and what it is built upon, less what the commits `without` hold."""
        return self._text("rev-list", commit, "--not", *without).split()

    def tree(self, commit: str) -> str:
        """Return the id of a commit's tree."""
        return self._text("rev-parse", f"{commit}^{{tree}}").strip()

    def parents(self, commit: str) -> list[str]:
        """Return the ids of a commit's parents."""
        return self._text("log", "-1", "--no-show-signature", "--format=%P", commit).split()

    def move(self, branches: Mapping[str, tuple[str | None, str | None]]) -> None:
        """Move local branches, each to the first id from the second, None where there is no branch: all, or none."""
        lines = (_move(f"refs/heads/{name}", new, old) for name, (new, old) in branches.items())
        self.run("update-ref", "-m", "mcci sync", "--stdin", data="".join(lines).encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of mcci from changing this repository's branches. Raises `Locked`.

        The operating system gives the lock up when the process ends, however it ends.
        """
        import fcntl

        common = self.root / self._text("rev-parse", "--git-common-dir").strip()
        with (common / "mcci-sync.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Locked("another `mcci sync` is at work in this repository; run it again afterwards.") from error
            yield

    def _config(self, name: str, *options: str) -> str:
        found = self.attempt("config", "--get", *options, name)
        return found.stdout.decode().strip() if found.returncode == 0 else ""

    def _text(self, *arguments: str, data: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        found = self.run(*arguments, data=data, environment=environment)
        return found.stdout.decode(errors="surrogateescape")

    def run(
        self, *arguments: str, data: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one git command. Raises `GitFailed` when it fails."""
        done = self.attempt(*arguments, data=data, environment=environment)
        if done.returncode:
            raise GitFailed(said(done))
        return done

    def attempt(
        self,
        *arguments: str,
        data: bytes = b"",
        environment: Mapping[str, str] | None = None,
        deadline: float = DEADLINE,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one git command, however it ends. Raises `ServiceFailed` after `deadline` seconds."""
        try:
            return subprocess.run(
                ["git", "-C", str(self.root), "-c", "color.ui=false", *arguments],
                input=data,
                capture_output=True,
                env={**self._environment, **(environment or {})},
                timeout=deadline,
                check=False,
            )
        except FileNotFoundError as error:
            raise UsageError("git is needed, and it is not on PATH.") from error
        except subprocess.TimeoutExpired as error:
            raise ServiceFailed(f"`git {arguments[0]}` did not end within {deadline:.0f} s.") from error


_LOCAL_VARIABLES = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def _move(ref: str, new: str | None, old: str | None) -> str:
    """Return the line by which `git update-ref --stdin` moves a ref."""
    if new is None:
        return f"delete {ref} {old}\n"
    return f"update {ref} {new} {old}\n" if old else f"create {ref} {new}\n"


def _identity(author: Author) -> dict[str, str]:
    pairs = (("NAME", author.name), ("EMAIL", author.email))
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in pairs}


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode(errors="replace").strip() or f"git ended with {done.returncode}"
    return CREDENTIALS.sub("", " ".join(line.removeprefix("fatal: ") for line in text.splitlines()))
