"""Artifacts and caches: what is picked, and that nothing outside a clone is read or written."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from mcci.rehearsal.runner import archives

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with files, links, and something beside it that is none of its business."""
    folder = tmp_path / "clone"
    (folder / "out" / "deep").mkdir(parents=True)
    (folder / "out" / "a.txt").write_text("a")
    (folder / "out" / "deep" / "b.sh").write_text("b")
    (folder / "out" / "deep" / "b.sh").chmod(0o755)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("token")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "away").symlink_to(tmp_path)
    return folder


def names(folder: Path, *patterns: str, exclude: tuple[str, ...] = ()) -> list[str]:
    """Return what is picked."""
    found = archives.picked(folder, patterns, exclude)
    return sorted({os.path.relpath(file, folder) for files in found.values() for file in files})


def test_what_is_picked(clone: Path) -> None:
    """Files, folders and patterns are taken, excluded ones are not; git's own files are never."""
    assert names(clone, "out/") == ["out/a.txt", "out/deep/b.sh"]
    assert names(clone, "**/*.sh", "out/a.txt") == ["out/a.txt", "out/deep/b.sh"]
    assert names(clone, "out", exclude=("out/deep/*",)) == ["out/a.txt"]
    assert not [name for name in names(clone, ".") if name.startswith(".git")]


@pytest.mark.parametrize(
    "pattern", ["../secret", "/etc/hostname", "away/secret", "away/*", "out/../../secret", "**/secret"]
)
def test_nothing_outside(clone: Path, pattern: str) -> None:
    """No path leads out of the clone: by dots, from the root, or by a link."""
    assert names(clone, pattern) == []


def test_links_stay_links(clone: Path, tmp_path: Path) -> None:
    """A link is packed as a link, whether it leads somewhere or not: what it leads to is not in the archive."""
    data = archives.packed(clone.resolve(), (file for each in archives.picked(clone, ["."]).values() for file in each))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("link") == str(tmp_path / "secret").encode()
    target = tmp_path / "target"
    target.mkdir()
    assert archives.unpack(data, target) == 5
    assert os.readlink(target / "dangling") == "nowhere"
    assert (target / "link").is_symlink()
    assert (target / "out" / "deep" / "b.sh").stat().st_mode & 0o777 == 0o755


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    """An archive that says otherwise writes into its folder only, also where it brings the link that leads out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("../evil", "/evil", "a/../../evil"):
            archive.writestr(name, "evil")
        for name, target in (("door", str(tmp_path)), ("file", str(tmp_path / "evil"))):
            link = zipfile.ZipInfo(name)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, target)
        archive.writestr("door/evil", "evil")
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("file", "mine")
    folder = tmp_path / "clone"
    folder.mkdir()
    archives.unpack(buffer.getvalue(), folder)
    assert not (tmp_path / "evil").exists()
    assert (folder / "file").read_text() == "mine"
