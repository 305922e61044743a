"""The host's ports, where candidates share its network: each has an address of its own, or waits for the port."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
import secrets
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


LOOPBACK = "127.0.0.1"
OWN = "127."
_ANY_ADDRESS = re.compile(r"(?<![\w.:])0\.0\.0\.0(?![\w.])")


def at_home(text: str, address: str) -> str:
    """Return `text` with `address` where it says any address of the machine."""
    return _ANY_ADDRESS.sub(address, text)


def moved(environment: Iterable[str], address: str) -> dict[str, str]:
    """Return those variables of an image (`NAME=value`) that say any address, with `address` instead."""
    pairs = (each.partition("=") for each in environment)
    return {name: at_home(value, address) for name, _, value in pairs if at_home(value, address) != value}


def place(environment: Iterable[str]) -> str:
    """Return the loopback address for a candidate whose image has these variables.

    On the host's network a candidate is nobody else's business. One that can be told where to listen gets an address
    of its own (127.1.0.1 to 127.33.0.0), where every port is free; any other is at 127.0.0.1, as users expect.
    """
    if not moved(environment, LOOPBACK):
        return LOOPBACK
    return str(ipaddress.IPv4Address("127.1.0.1") + secrets.randbelow(2**21))


@contextmanager
def held(ports: Iterable[int], address: str = LOOPBACK) -> Iterator[None]:
    """Hold `ports` of an address that others share against other mccis of this machine and user; wait for those.

    The operating system gives them up when the process ends, however it ends.
    """
    if address.startswith(OWN) and address != LOOPBACK:
        yield
        return
    folder = Path(tempfile.gettempdir(), f"mcci-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        for port in sorted(ports):  # in one order, so that two never wait for each other
            file = stack.enter_context((folder / str(port)).open("a"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
