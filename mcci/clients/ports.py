"""Ports of this machine: free ones, and those that something had before."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError, OverflowError):
            tried.bind((HOST, port))
            return True
    return False
