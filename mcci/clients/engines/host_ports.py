"""The host's ports, where candidates share its network: one `mcci test` at a time has a port."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


LOOPBACK = "127.0.0.1"
_ANY_ADDRESS = re.compile(r"(?<![\w.:])0\.0\.0\.0(?![\w.])")


def at_home(text: str, address: str) -> str:
    """Return `text` with `address` where it says any address of the machine."""
    return _ANY_ADDRESS.sub(address, text)


def on_loopback(environment: Iterable[str]) -> dict[str, str]:
    """Return those variables of an image (`NAME=value`) that say any address, with loopback's instead.

    On the host's network a candidate is nobody else's business, and other programs have other addresses' ports.
    """
    pairs = (each.partition("=") for each in environment)
    return {name: at_home(value, LOOPBACK) for name, _, value in pairs if at_home(value, LOOPBACK) != value}


@contextmanager
def held(ports: Iterable[int]) -> Iterator[None]:
    """Hold `ports` against other mccis of this machine and user; wait for those that have them.

    The operating system gives them up when the process ends, however it ends.
    """
    folder = Path(tempfile.gettempdir(), f"mcci-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        for port in sorted(ports):  # in one order, so that two never wait for each other
            file = stack.enter_context((folder / str(port)).open("a"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
