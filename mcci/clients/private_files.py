"""Files that only their owner may read: kubeconfigs, and commands with a token in them."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 4 * 1024 * 1024


def read(path: Path) -> str:
    """Return a file's text; empty where there is none. Raises `UsageError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
        if len(data) > LIMIT:
            raise UsageError(f"{path} is larger than a kubeconfig can be.")
        return data.decode()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {_reason(error)}.") from error


def write(path: Path, text: str) -> None:
    """Give a file its text, of mode 0600, so that nobody sees half of it; folders that lack are made, of mode 0700.

    Where `path` is a symbolic link, the file that it leads to is written. Raises `UsageError`.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.tmp")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.replace(fresh, target)
        finally:
            fresh.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be written: {_reason(error)}.") from error


@contextmanager
def locked(path: Path, patience: float = 5.0) -> Iterator[None]:
    """Keep others from writing the file meanwhile, as kubectl does: by a file beside it. Raises `UsageError`."""
    target = Path(os.path.realpath(path))
    lock = target.with_name(f"{target.name}.lock")
    end = time.monotonic() + patience
    while True:
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError as error:
            if time.monotonic() > end:
                raise UsageError(
                    f"{lock} is there: somebody writes {path.name}, or died while doing so. Remove it then."
                ) from error
            time.sleep(0.1)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {_reason(error)}.") from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def is_private(path: Path) -> bool:
    """Say whether nobody but its owner may read or write the file."""
    try:
        return not path.stat().st_mode & 0o077
    except OSError:
        return False


def refuse_committed(path: Path) -> None:
    """Raise `UsageError` where git would commit the file: it is in a checkout, and nothing there ignores it."""
    folder = next(each for each in path.absolute().parents if each.is_dir())
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "check-ignore", "--quiet", "--", str(path.absolute())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return  # without git nothing is committed
    if found.returncode == 1:
        raise UsageError(
            f"{path} would be committed, and it holds a secret. Put it outside of the repository, or into .gitignore."
        )


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()
