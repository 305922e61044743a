"""The tracked files are the same value in every checkout of the same content, whatever machine it is on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mcci.clients import working_tree
from mcci.errors import UsageError


def git(folder: Path, *arguments: str) -> None:
    """Run git."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with a script, a link, a name with spaces and accents, and text with its own line endings."""
    root = tmp_path / "checkout"
    (root / "web/sub").mkdir(parents=True)
    (root / ".gitattributes").write_text("*.txt text\n")
    (root / ".gitignore").write_text("dist/\n")
    (root / "web/run.sh").write_text("#!/bin/sh\n")
    (root / "web/run.sh").chmod(0o755)
    (root / "web/link").symlink_to("run.sh")
    (root / "web/a b ü.txt").write_text("one\ntwo\n")
    (root / "web/sub/x").write_text("x")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")
    return root


def test_another_machine(checkout: Path, tmp_path: Path) -> None:
    """Another clone with another umask, other times, other line endings on disk and no executable bits is the same."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", "-c", "core.autocrlf=true", "-c", "core.fileMode=false", str(checkout), str(other))
    assert b"\r\n" in (other / "web/a b ü.txt").read_bytes()
    for path in other.rglob("*"):
        if ".git" not in path.parts and path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            os.utime(path, (1, 1))
    first, second = working_tree.read(checkout), working_tree.read(other)
    assert first.files == second.files
    assert first.files["web/run.sh"].startswith("100755 ")
    assert first.files["web/link"].startswith("120000 ")
    assert second.changed == ()


def test_untracked_and_ignored_files_do_not_count(checkout: Path) -> None:
    """What git does not track, or ignores, is not among the files."""
    before = working_tree.read(checkout)
    (checkout / "web/dist").mkdir()
    (checkout / "web/dist/made.whl").write_text("x")
    (checkout / "web/notes").write_text("x")
    assert working_tree.read(checkout) == before


def test_uncommitted_changes_count_as_if_committed(checkout: Path) -> None:
    """What stands in the working tree, staged or not, counts as it will when it is committed."""
    (checkout / "web/a b ü.txt").write_bytes(b"one\r\nthree\r\n")
    (checkout / "web/sub/x").chmod(0o755)
    (checkout / "web/link").unlink()
    (checkout / "web/link").symlink_to("elsewhere")
    (checkout / "web/new").write_text("n")
    git(checkout, "add", "web/new")
    (checkout / "web/run.sh").unlink()
    dirty = working_tree.read(checkout)
    assert dirty.changed == ("web/a b ü.txt", "web/link", "web/new", "web/run.sh", "web/sub/x")
    git(checkout, "commit", "-q", "-a", "-m", "y")
    clean = working_tree.read(checkout)
    assert clean.files == dirty.files
    assert clean.changed == ()


def test_a_folder_of_a_repository(checkout: Path) -> None:
    """Below the top, paths begin at the folder asked for, and files elsewhere are none; changes are found there too."""
    (checkout / "web/sub/x").write_text("changed")
    (checkout / ".gitignore").write_text("changed")
    found = working_tree.read(checkout / "web")
    assert sorted(found.files) == ["a b ü.txt", "link", "run.sh", "sub/x"]
    assert found.changed == ("sub/x",)
    git(checkout, "commit", "-q", "-a", "-m", "y")
    assert working_tree.read(checkout / "web").files == found.files


def test_submodules_count_by_their_commit(checkout: Path, tmp_path: Path) -> None:
    """A submodule is one entry, its commit, whether or not it is checked out."""
    other = tmp_path / "library"
    other.mkdir()
    (other / "f").write_text("f")
    git(other, "init", "-q")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "x")
    git(checkout, "submodule", "add", "-q", str(other), "web/library")
    git(checkout, "commit", "-q", "-m", "y")
    plain = tmp_path / "plain"
    git(tmp_path, "clone", "-q", str(checkout), str(plain))
    assert working_tree.read(checkout).files == working_tree.read(plain).files
    assert working_tree.read(plain).files["web/library"].startswith("160000 ")


def test_where_there_is_no_commit(tmp_path: Path) -> None:
    """Outside of a checkout, and before the first commit, the message says what is needed."""
    with pytest.raises(UsageError, match="git checkout with a commit"):
        working_tree.read(tmp_path)
    git(tmp_path, "init", "-q")
    with pytest.raises(UsageError, match="git checkout with a commit"):
        working_tree.read(tmp_path)
