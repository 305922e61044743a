"""The host's ports, where candidates share its network: one `mcci test` at a time has a port."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
