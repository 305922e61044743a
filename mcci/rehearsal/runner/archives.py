"""Artifacts and caches: files picked by pattern, packed, and unpacked again."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.pipeline.globs import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EPOCH = (1980, 1, 1, 0, 0, 0)


def picked(folder: Path, paths: Iterable[str], exclude: Iterable[str] = ()) -> dict[str, list[Path]]:
    """Return the files that each pattern takes, below `folder` only; a folder means all in it."""
    root = folder.resolve()
    without = list(exclude)
    found: dict[str, list[Path]] = {}
    for pattern in paths:
        files = []
        for file in _matching(root, pattern):
            name = file.relative_to(root).as_posix()
            if not any(matches(each, name) for each in without):
                files.append(file)
        found[pattern] = sorted(set(files))
    return found


def _matching(root: Path, pattern: str) -> Iterator[Path]:
    pattern = pattern.removeprefix("./").rstrip("/")
    if pattern in ("", "."):
        yield from _files(root, root)
        return
    if not any(character in pattern for character in "*?[{"):
        path = Path(os.path.normpath(root / pattern))
        if path.is_relative_to(root) and os.path.lexists(path):
            yield from _files(path, root)
        return
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if matches(pattern, name):
            yield from _files(path, root)


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name != ".git"]
        for name in (*folders, *names):
            yield Path(folder, name)


def _files(path: Path, root: Path) -> Iterator[Path]:
    if path != root and not path.parent.resolve().is_relative_to(root):
        return  # by way of a link, it is outside
    if path.is_symlink() or path.is_file():
        yield path
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            if Path(folder) == root:
                folders[:] = [name for name in folders if name != ".git"]
            links = [name for name in folders if Path(folder, name).is_symlink()]
            for name in (*names, *links):
                yield from _files(Path(folder, name), root)


def packed(folder: Path, files: Iterable[Path]) -> bytes:
    """Return a zip of `files`, named from `folder` on, with their modes. A link is kept as one, wherever it leads."""
    root = folder.resolve()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(set(files)):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), EPOCH)
            entry.external_attr = (file.lstat().st_mode & 0xFFFF) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, os.readlink(file) if file.is_symlink() else file.read_bytes())
    return buffer.getvalue()


def unpack(data: bytes, folder: Path) -> int:
    """Unpack a zip into `folder`, and return how many files it had. What would land outside is left out."""
    root = folder.resolve()
    count = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            target = Path(os.path.normpath(root / entry.filename))
            if entry.is_dir() or not target.parent.resolve().is_relative_to(root):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink():
                target.unlink()  # else what it leads to would be written
            mode = entry.external_attr >> 16
            if stat.S_ISLNK(mode):
                target.unlink(missing_ok=True)
                target.symlink_to(archive.read(entry).decode(errors="surrogateescape"))
            else:
                target.write_bytes(archive.read(entry))
                target.chmod(mode & 0o777 or 0o644)
            count += 1
    return count


def report(files: Iterable[Path]) -> bytes:
    """Return reports as a runner sends them: gzip, one after the other."""
    return b"".join(gzip.compress(file.read_bytes(), compresslevel=1) for file in files if file.is_file())
