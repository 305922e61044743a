"""Ports of this machine: free ones, and those that something had before."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "127.0.0.1"


def kept(file: Path, *, taken: bool = False) -> int:
    """Return the port that `file` remembers where that is free, else a free one, which is remembered.

    With `taken` it is whoever had it that has it now.
    """
    with suppress(FileNotFoundError, ValueError):
        port = int(file.read_text())
        if taken or _is_free(port):
            return port
    with socket.socket() as found:
        found.bind((HOST, 0))
        port = int(found.getsockname()[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port


def hold(host: str, port: int) -> Callable[[], None] | None:
    """Take a port without listening on it, and return what gives it up; None where another process has it.

    Where the machine has no such address there is nothing to take, nor to share: then giving up does nothing.
    """
    found = socket.socket()
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        return None if error.errno == errno.EADDRINUSE else lambda: None
    return found.close


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError, OverflowError):
            tried.bind((HOST, port))
            return True
    return False
