"""A part's program that is started again when it dies."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import ExitStack

    from mcci.lab.mesh.program import Program

LOOK = 0.5  # seconds between two looks
PAUSE = 2.0  # seconds until one that did not start is tried again

logger = logging.getLogger(__name__)


def keep(programs: Iterable[Program], stack: ExitStack, name: str) -> None:
    """Start programs, again where they die, and stop them when the stack ends. Raises what a first start raises."""
    found = list(programs)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK):
            for each in found:
                if each.running or ended.is_set():
                    continue
                logger.warning("%s: a program has died, and is started again", name)
                try:
                    each.start()
                except McciError as error:
                    logger.warning("%s: %s", name, error)
                    ended.wait(PAUSE)

    for each in found:
        each.start()
        stack.callback(each.stop)
    watcher = threading.Thread(target=watch, name=f"watch {name}", daemon=True)
    watcher.start()

    def end() -> None:
        ended.set()
        watcher.join()

    stack.callback(end)
