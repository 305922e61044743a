"""Checkouts on disk: one folder, or a folder with one subfolder per branch. The simulation's only look at the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from mcci.errors import InvalidInput, UsageError
from mcci.findings import Finding, Position
from mcci.pipeline.document import MAX_BYTES
from mcci.pipeline.files import Files


class FolderFiles:
    """The files below a folder. A symbolic link that leads out of it is not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = Path(os.path.realpath(root))

    def read(self, path: str) -> str | None:
        """Return a file's text, or None when the folder has no such file. Raises `InvalidInput` as `read_text`."""
        if "\0" in path:
            return None
        target = Path(os.path.realpath(self.root / path.lstrip("/")))
        if not target.is_relative_to(self._real) or not target.is_file():
            return None
        return read_text(target, path)

    def paths(self) -> list[str]:
        """Return the paths of all files, sorted, git's own folder left out."""
        return sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name != ".git"]
            inside = os.path.relpath(folder, self.root)
            for name in names:
                yield name if inside == "." else f"{inside}/{name}".replace(os.sep, "/")


class RemoteFiles(FolderFiles):
    """The files of other hosts, by their URL, from a folder that has them as `host/path`."""

    def read(self, path: str) -> str | None:
        """Return the text of the file at a URL, whatever the query; None and errors as for a path."""
        from urllib.parse import unquote, urlsplit

        try:
            parts = urlsplit(path)
        except ValueError:
            return None
        return super().read(f"{parts.hostname}{unquote(parts.path)}") if parts.hostname and parts.path else None


def read_text(file: Path, name: str | None = None) -> str:
    """Return a file's text, without a byte order mark.

    Raises `InvalidInput`, with `name` (default: the path) as its file, for one that is too large, no text, or cannot
    be read.
    """
    name = str(file) if name is None else name
    try:
        if file.stat().st_size > MAX_BYTES:
            raise _unreadable(name, "yaml-size", f"the file is larger than {MAX_BYTES // 2**20} MiB")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(name, "yaml-encoding", f"the file is not UTF-8 text (byte {error.start + 1})") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _unreadable(name, "yaml-unreadable", f"the file cannot be read: {reason}") from error


def one_folder(root: Path) -> Callable[[str], Files | None]:
    """Return the look-up of a checkout that stands for every ref. Raises `UsageError` when it is no folder."""
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give one with --directory")
    files = FolderFiles(root)
    return lambda _ref: files


def folder_per_branch(root: Path) -> Callable[[str], Files | None]:
    """Return the look-up of a folder that has a subfolder for each branch. Raises `UsageError` when it is no folder."""
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the output of `mcci generate --all --output DIR`")
    real = Path(os.path.realpath(root))

    def files(ref: str) -> Files | None:
        folder = Path(os.path.realpath(root / ref))
        return FolderFiles(root / ref) if ref and folder.is_dir() and folder.is_relative_to(real) else None

    return files


def _unreadable(path: str, rule: str, message: str) -> InvalidInput:
    return InvalidInput([Finding(rule=rule, message=message, position=Position(file=path))])
