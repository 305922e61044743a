"""How far a push is, once it takes longer than a second: a bar a service on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from mcci import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from mcci.clients.registry.manifests import Descriptor

FIRST = 1.0  # seconds in which nothing is shown
LINE, BAR = 5.0, 0.1  # seconds between two lines, two changes of a bar


class Show(Protocol):
    """Where progress is shown."""

    every: float

    def show(self, service: str, done: int, total: int, blobs: str) -> None:
        """Show that `done` of `total` bytes are there, and how many of the blobs (`2/10 blobs`)."""

    def close(self) -> None:
        """End."""


class Lines:
    """Plain lines, as a job's log has them."""

    every = LINE

    def show(self, service: str, done: int, total: int, blobs: str) -> None:
        """Write a line."""
        output.log(f"{service}: {_megabytes(done, total)}, {blobs}")

    def close(self) -> None:
        """Nothing is open."""


class Bars:
    """A terminal: a bar a service, gone when the push is done."""

    every = BAR

    def __init__(self) -> None:
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}

    def show(self, service: str, done: int, total: int, blobs: str) -> None:
        """Move the service's bar; the first opens the display."""
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TransferSpeedColumn

            columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[count]}"))
            self._progress = Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True), transient=True)
            self._progress.start()
        if service not in self._tasks:
            self._tasks[service] = self._progress.add_task(service, total=total, count="")
        count = f"{_megabytes(done, total)}, {blobs}"
        self._progress.update(self._tasks[service], completed=done, total=total, count=count)

    def close(self) -> None:
        """Take the bars away."""
        if self._progress is not None:
            self._progress.stop()


class Progress:
    """The blobs under way, by service. Thread-safe."""

    def __init__(self, shown: Show, clock: Callable[[], float] = time.monotonic) -> None:
        self.shown, self._clock = shown, clock
        self._next = clock() + FIRST
        self._sizes: dict[str, dict[str, int]] = {}
        self._done: dict[str, dict[str, int]] = {}
        self._lock = Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.shown.close()

    def of(self, service: str) -> Meter:
        """Return what a service's copy tells."""
        return Meter(self, service)

    def expect(self, service: str, blobs: Iterable[Descriptor]) -> None:
        """Take in what is to be there."""
        with self._lock:
            self._sizes.setdefault(service, {}).update({blob.digest: blob.size for blob in blobs})

    def at(self, service: str, digest: str, position: int) -> None:
        """Take in that a blob is there up to `position`: less than before, where an upload begins anew."""
        with self._lock:
            done = self._done.setdefault(service, {})
            done[digest] = position
            if self._clock() < self._next:
                return
            self._next = self._clock() + self.shown.every
            sizes = self._sizes.get(service, {})
            whole = sum(done.get(each, -1) >= size for each, size in sizes.items())
            self.shown.show(service, sum(done.values()), sum(sizes.values()), f"{whole}/{len(sizes)} blobs")


@dataclass(frozen=True, slots=True)
class Meter:
    """One service's copy."""

    progress: Progress
    service: str

    def expect(self, blobs: Iterable[Descriptor], /) -> None:
        """Take in which blobs are to be there."""
        self.progress.expect(self.service, blobs)

    def at(self, digest: str, position: int, /) -> None:
        """Take in that a blob is there up to `position`."""
        self.progress.at(self.service, digest, position)


def choose(environment: Mapping[str, str]) -> Progress:
    """Return the progress as this place shows it."""
    is_job = bool(environment.get("GITLAB_CI"))
    return Progress(Bars() if sys.stderr.isatty() and not is_job else Lines())


def _megabytes(done: int, total: int) -> str:
    return f"{done / 1e6:,.1f}/{total / 1e6:,.1f} MB"
