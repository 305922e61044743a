"""The project's git repository, bare, and the files of its branches as the simulation reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.git import Repository
from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import MAX_BYTES

if TYPE_CHECKING:
    from pathlib import Path

BLANK = "0" * 40


class Hosted:
    """A bare repository in `path`; made where it is not there."""

    def __init__(self, path: Path, default_branch: str) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._git = Repository(path)
        if not (path / "HEAD").exists():
            self._git.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}")
            self._git.run("config", "http.receivepack", "true")
        self._files: dict[str, CommitFiles] = {}

    def branches(self) -> dict[str, str]:
        """Return the branches, and the commit at the head of each."""
        found = self._git.run("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads")
        pairs = (line.split(" ", 1) for line in found.stdout.decode().splitlines())
        return {name: commit for commit, name in pairs}

    def commit(self, ref: str) -> str | None:
        """Return the commit that a branch, a tag or an id stands for."""
        return self._git.commit_of(ref)

    def files(self, ref: str) -> CommitFiles | None:
        """Return the files of a ref; None where there is no such ref."""
        commit = self.commit(ref)
        if commit is None:
            return None
        if commit not in self._files:
            self._files[commit] = CommitFiles(self._git, commit)
        return self._files[commit]

    def changed(self, old: str, new: str) -> tuple[str, ...] | None:
        """Return the paths that differ between two commits; None where there was no commit before."""
        if old == BLANK or self._git.commit_of(old) is None:
            return None
        found = self._git.run("diff", "--name-only", "-z", "--no-renames", old, new)
        return tuple(filter(None, found.stdout.decode(errors="surrogateescape").split("\0")))

    def base(self, one: str, other: str) -> str:
        """Return the commit that two have in common, the first where they have none."""
        found = self._git.attempt("merge-base", one, other).stdout.decode().strip()
        return found or one

    def message(self, commit: str) -> str:
        """Return a commit's message."""
        return self._git.message(commit)

    def show(self, commit: str) -> dict[str, str]:
        """Return what API v4 says of a commit."""
        form = "%H%x00%s%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI"
        values = self._git.run("log", "-1", "--no-show-signature", f"--format={form}", commit).stdout.decode().strip()
        names = ("id", "title", "author_name", "author_email", "authored_date", "committer_name", "committer_email")
        return {
            **dict(zip((*names, "committed_date"), values.split("\0"), strict=True)),
            "message": self.message(commit),
        }

    def create_branch(self, name: str, commit: str) -> None:
        """Make a branch. Raises `GitFailed` where there is one."""
        self._git.run("update-ref", f"refs/heads/{name}", commit, BLANK)

    def delete_branch(self, name: str) -> None:
        """Delete a branch."""
        self._git.run("update-ref", "-d", f"refs/heads/{name}")

    def merge(self, source: str, target: str, message: str, who: tuple[str, str]) -> str | None:
        """Merge a branch into another with a merge commit, and return it; None where they conflict."""
        ours, theirs = self._git.commit_of(f"refs/heads/{target}"), self._git.commit_of(f"refs/heads/{source}")
        assert ours is not None
        assert theirs is not None
        done = self._git.attempt("merge-tree", "--write-tree", ours, theirs)
        if done.returncode:
            return None
        tree = done.stdout.decode().split("\n", 1)[0]
        name, email = who
        environment = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_COMMITTER_NAME": name,
                       "GIT_COMMITTER_EMAIL": email}  # fmt: skip
        made = self._git.run(
            "commit-tree", tree, "-p", ours, "-p", theirs, data=message.encode(), environment=environment
        )
        commit = made.stdout.decode().strip()
        self._git.run("update-ref", f"refs/heads/{target}", commit, ours)
        return commit


class CommitFiles:
    """The files of one commit."""

    def __init__(self, git: Repository, commit: str) -> None:
        self._git = git
        self._commit = commit
        self._entries = git.files(commit)
        self._texts: dict[str, str] = {}

    def read(self, path: str) -> str | None:
        """Return a file's text, or None when there is no such file. Raises `InvalidInput` for one that is no text."""
        path = path.lstrip("/")
        entry = self._entries.get(path)
        if entry is None:
            return None
        if path not in self._texts:
            data = self._git.content(entry.content)
            if len(data) > MAX_BYTES:
                raise _unreadable(path, f"the file is larger than {MAX_BYTES // 2**20} MiB")
            try:
                self._texts[path] = data.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise _unreadable(path, f"the file is not UTF-8 text (byte {error.start + 1})") from error
        return self._texts[path]

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted."""
        return sorted(self._entries)


def _unreadable(path: str, message: str) -> InvalidInput:
    return InvalidInput([Finding(rule="yaml-unreadable", message=message, position=Position(file=path))])
