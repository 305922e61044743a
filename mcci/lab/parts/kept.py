"""The programs of a part: each in the care of a thread that starts it again when it dies, and on record in the folder.

The record is what the next supervisor ends a dead one's programs by, and what `mcci lab status` shows.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mcci.clients import background
from mcci.errors import McciError, ServiceFailed
from mcci.lab.plan import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from mcci.lab.plan import Folder
    from mcci.lab.program import Program

LOOK = 0.25  # seconds between two looks
PAUSE = 2.0  # seconds until one that did not start is tried again
GRACE = 10.0  # seconds that one of a dead supervisor has to end

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A program: its process (0: none), how often it was started, and why it does not start where it does not."""

    name: str
    pid: int = 0
    began: str = ""
    starts: int = 0
    problem: str = ""

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return background.is_alive(self.pid, self.began)


def keep(
    programs: Iterable[Program],
    stack: ExitStack,
    folder: Folder,
    part: str,
    *,
    wanted: Callable[[], bool] | None = None,
) -> None:
    """Start a part's programs side by side, again where they die, and stop them when the stack ends.

    With `wanted` they run while that is so. Raises what a first start raises.
    """
    place = folder.programs / part
    place.mkdir(parents=True, exist_ok=True)
    found = [_Keeper(each, place / f"{number}.json", wanted) for number, each in enumerate(programs)]
    for each in found:
        stack.callback(each.end)
        each.begin()
    for each in found:
        each.wait()


def records(folder: Folder, part: str) -> Iterator[Record]:
    """Yield what is on record of a part's programs."""
    for file in sorted((folder.programs / part).glob("*.json")):
        if body := read_json(file):
            yield Record(**body)


def end_left(folder: Folder, part: str) -> None:
    """End what a dead supervisor has left of a part's programs."""
    for each in records(folder, part):
        background.end(each.pid, each.began, GRACE)
    for file in (folder.programs / part).glob("*.json"):
        file.unlink(missing_ok=True)


class _Keeper:
    """Cares for one program in a thread, which starts it, too: what dies with the thread that started it lives on."""

    def __init__(self, program: Program, file: Path, wanted: Callable[[], bool] | None) -> None:
        self._program = program
        self._file = file
        self._wanted = wanted or (lambda: True)
        self._record = Record(name=program.name)
        self._first = threading.Event()
        self._error: McciError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._care, name=f"care of {program.name}", daemon=True)
        program.launched = self._launched

    def begin(self) -> None:
        """Start it, without waiting."""
        self._thread.start()

    def wait(self) -> None:
        """Wait until it can be used. Raises what its start has raised."""
        self._first.wait()
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Stop it, and care no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _care(self) -> None:
        try:
            if self._wanted():
                self._start()
            self._first.set()
            while self._error is None and not self._ended.wait(LOOK):
                self._look()
        finally:
            self._first.set()
            self._program.stop()
            self._file.unlink(missing_ok=True)

    def _look(self) -> None:
        if not self._wanted():
            if self._program.running:
                self._program.stop()
                self._write(pid=0, began="", starts=0)
        elif not self._program.running:
            if self._record.starts:
                logger.warning("%s has died, and is started again", self._program.name)
            self._start()
            if self._error is not None:
                logger.warning("%s: %s", self._program.name, self._error)
                self._error = None
                self._ended.wait(PAUSE)

    def _start(self) -> None:
        try:
            self._program.start()
        except Exception as error:  # whatever it is, the thread must go on: nobody else cares for the program
            if not isinstance(error, McciError):
                logger.exception("%s", self._program.name)
            self._error = error if isinstance(error, McciError) else ServiceFailed(repr(error))
            self._program.stop()
            self._write(pid=0, began="", problem=_first_line(str(self._error)))
        else:
            self._write(problem="")

    def _launched(self, pid: int) -> None:
        self._write(pid=pid, began=background.began(pid), starts=self._record.starts + 1)

    def _write(self, **changes: object) -> None:
        body = asdict(self._record) | changes
        self._record = Record(**body)
        try:
            write_json(self._file, body)
        except FileNotFoundError:  # the folder was removed under the lab, which ends for that
            self._ended.set()


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "").rstrip(":")
