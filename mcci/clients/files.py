"""Files, read with errors that say what to do and written so that nobody ever sees half a file."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_BYTES = 4 * 1024 * 1024


def read(path: Path, *, limit: int = MAX_BYTES, advice: str = "") -> bytes:
    """Return the bytes of `path`, looking at its size before reading it.

    Raises `InvalidInput` when the file is not there (with `advice` on what to do), is a folder, may not be read, or
    is larger than `limit` bytes.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise _refuse(path, "file-unreadable", "this is a folder, not a file.")
        data = b""
        if found.st_size <= limit:
            with path.open("rb") as file:  # a pipe or a device has size 0 and may go on for ever
                data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise _refuse(path, "file-missing", "there is no such file.", advice) from error
    except (OSError, ValueError) as error:
        raise _refuse(path, "file-unreadable", f"the file cannot be read: {_reason(error)}.") from error
    if found.st_size > limit or len(data) > limit:
        raise _refuse(path, "file-too-large", f"the file is larger than the {_size(limit)} that mcci reads.")
    return data


def replace_all(texts: Mapping[Path, str]) -> tuple[Path, ...]:
    """Give each path its text: all of them, or none. Return the paths that changed.

    Folders are made where they are missing, an existing file keeps its mode, a symbolic link is replaced by a file, and
    a file that already has its text is not touched. Raises `InvalidInput` when one path cannot be written.
    """
    changed = {path: text.encode() for path, text in texts.items() if not _holds(path, text.encode())}
    prepared: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for path, data in changed.items():
            with _translated(path):
                _make_folder(path.parent, made)
                prepared[path] = _beside(path)
                _write(prepared[path], data, like=path)
        _swap(prepared)
    except BaseException:
        _remove(prepared.values())
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise
    return tuple(changed)


def _swap(prepared: Mapping[Path, Path]) -> None:
    """Put every prepared file in its place; when one will not go, bring the old ones back."""
    kept: dict[Path, Path | None] = {}
    try:
        for path, new in prepared.items():
            with _translated(path):
                kept[path] = _keep(path)
                os.replace(new, path)
    except BaseException:
        for path, old in reversed(kept.items()):
            with suppress(OSError):
                os.replace(old, path) if old else path.unlink()
        raise
    finally:
        _remove(old for old in kept.values() if old)


def _keep(path: Path) -> Path | None:
    """Give what stands at `path` a second name beside it, so that `path` is never without a file."""
    if not os.path.lexists(path):
        return None
    old = _beside(path)
    try:
        os.link(path, old, follow_symlinks=False)
    except OSError:  # a file system without hard links
        shutil.copy2(path, old, follow_symlinks=False)
    return old


def _holds(path: Path, data: bytes) -> bool:
    try:
        return not path.is_symlink() and path.read_bytes() == data
    except (OSError, ValueError):
        return False


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make `folder` and what is missing above it; add what was made to `made`, the outermost first."""
    for each in [folder, *folder.parents][::-1]:
        if not each.exists():
            each.mkdir(exist_ok=True)
            made.append(each)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")


def _write(temporary: Path, data: bytes, *, like: Path) -> None:
    if like.is_dir() and not like.is_symlink():
        raise IsADirectoryError(21, "a folder stands there")
    with temporary.open("xb") as file:
        file.write(data)
    if like.is_file() and not like.is_symlink():
        temporary.chmod(stat.S_IMODE(like.stat().st_mode))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into a finding."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise _refuse(path, "file-unwritable", f"the file cannot be written: {_reason(error)}.") from error


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()


def _size(count: int) -> str:
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count:,} bytes"


def _refuse(path: Path, rule: str, message: str, help_: str = "") -> InvalidInput:
    return InvalidInput([Finding(rule=rule, message=message, position=Position(file=str(path)), help=help_)])
