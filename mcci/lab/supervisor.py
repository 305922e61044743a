"""The one process that a lab is: it starts the parts, says so in a file, and ends them when told to.

`python -m mcci.lab.supervisor FOLDER`; `mcci lab up` starts it in the background.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mcci.clients import background
from mcci.errors import McciError
from mcci.lab import networks
from mcci.lab.parts import PARTS
from mcci.lab.plan import Folder, write_json

if TYPE_CHECKING:
    from mcci.lab.plan import Plan

LOOK = 0.5  # seconds between two looks whether the folder is still there

logger = logging.getLogger("mcci.lab")


def main(folder: Folder) -> int:
    """Run the lab of a folder until SIGTERM or SIGINT; 0 when told to end, 1 when it could not start."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    plan = folder.read_plan()
    if plan is None:
        logger.error("%s holds no plan: start a lab with `mcci lab up`", folder.path)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with folder.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.error("another supervisor runs the lab of %s", folder.path)
            return 1
        try:
            return _run(plan, folder, stop, lock)
        finally:
            folder.state.unlink(missing_ok=True)


def _run(plan: Plan, folder: Folder, stop: threading.Event, lock: TextIO) -> int:
    """Run the lab until it is told to end, or its folder is gone, as the file `lock` in it tells."""
    body: dict[str, Any] = {
        "pid": os.getpid(), "began": background.began(os.getpid()), "since": datetime.now(UTC).isoformat(),
        "ready": False, "said": [], "parts": {},
    }  # fmt: skip

    def say(text: str) -> None:
        body["said"].append(text)
        write_json(folder.state, body)

    write_json(folder.state, body)
    with ExitStack() as stack:
        try:
            plan = replace(plan, slot=networks.claim(folder, stack))
        except McciError as error:
            logger.error("%s", error)
            return 1
        for part in PARTS:
            if stop.is_set():
                return 0
            try:
                body["parts"][part.NAME] = part.start(plan, folder, stack, say)
            except McciError as error:
                logger.error("%s: %s", part.NAME, error)
                return 1
        body["ready"] = True
        write_json(folder.state, body)
        while not stop.wait(LOOK):
            if not _is_there(folder, lock):
                logger.error("%s was removed or moved: the lab ends", folder.path)
                break
    return 0


def _is_there(folder: Folder, lock: TextIO) -> bool:
    """Whether the folder is still the one that this process holds the lock of."""
    try:
        return os.path.samestat(folder.lock.stat(), os.fstat(lock.fileno()))
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(Folder(path=Path(sys.argv[1]))))
