"""The guard around unit tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def connect() -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def listen() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def resolve() -> None:
    socket.getaddrinfo("localhost", 80)


def start() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def shell() -> None:
    os.system("true")


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def swallow(act: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):
        act()


@pytest.mark.parametrize("act", [connect, listen, resolve, start, shell, fork])
def test_refused(act: Callable[[], None]) -> None:
    """The network and processes fail the test even where the code under test swallows every exception."""
    with pytest.raises(pytest.fail.Exception, match="a unit test must not do this"):
        swallow(act)
