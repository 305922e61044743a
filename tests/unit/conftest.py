"""Unit tests touch no network and start no process: the interpreter itself is asked to refuse it.

An audit hook sees every such call, whichever library makes it. It cannot be taken away again, so it looks whether a
unit test is running.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FORBIDDEN = frozenset(
    {
        "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen",
        "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyaddr", "socket.gethostbyname",
        "socket.sendto",
    }
)  # fmt: skip
_running = False


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _running and event in FORBIDDEN:
        # Not an `Exception`, so that no `except Exception` of the code under test swallows it.
        pytest.fail(f"a unit test must not do this: {event}{arguments!r}; tests/service/ is the place for it")


sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    global _running  # noqa: PLW0603 - the hook stays for the whole process and has nobody else to ask
    _running = True
    yield
    _running = False
