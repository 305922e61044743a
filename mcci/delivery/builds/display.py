"""What an engine says while it works, shown as the place asks for: bars on a terminal, sections in a job, plain lines.

Sections: https://docs.gitlab.com/ci/jobs/job_logs/#create-custom-collapsible-sections
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from mcci import output
from mcci.clients.engines.model import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from rich.progress import Task

TAIL = 25  # lines of the log that are shown after a failure


class Display(Protocol):
    """Where the progress of several services is shown."""

    def __enter__(self) -> Display:
        """Begin to show."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End."""

    def begin(self, service: str, phase: str) -> None:
        """Show that `phase` ("build", "push") of a service begins."""

    def event(self, service: str, event: Event) -> None:
        """Show what the engine said."""

    def end(self, service: str, outcome: str) -> None:
        """Show that a service is done with, in a word; its phase ends."""

    def failed(self, service: str) -> None:
        """Show the end of a failed service's log, open."""


def choose(services: int, environment: Mapping[str, str]) -> Display:
    """Return the display for so many services in this place."""
    if environment.get("GITLAB_CI"):
        return Sections(alone=services == 1)
    if sys.stderr.isatty():
        return Bars()
    return Lines(prefixed=services > 1)


class Lines:
    """Every line of the log, after the service's name where there are several."""

    def __init__(self, *, prefixed: bool) -> None:
        self._prefixed = prefixed
        self._tails: dict[str, deque[str]] = {}
        self._layers: set[tuple[str, str]] = set()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def begin(self, service: str, phase: str) -> None:
        """Say what begins."""
        self._tails[service] = deque(maxlen=TAIL)
        output.log(f"{service}: {phase}")

    def event(self, service: str, event: Event) -> None:
        """Print a log line or a step, and a transferred layer once."""
        line = self.line(service, event)
        if line:
            output.log(f"{service} | {line}" if self._prefixed else line)

    def line(self, service: str, event: Event) -> str:
        """Return the line that an event is, kept for a failure; empty for one that is not to be shown."""
        if event.kind is Kind.TRANSFER:
            key = (service, f"{event.layer} {event.text}")
            if key in self._layers or event.text in ("Pushing", "Downloading", "Extracting"):
                return ""
            self._layers.add(key)
            return f"{event.layer}: {event.text}"
        line = f"Step {event.number}/{event.total}: {event.text}" if event.kind is Kind.STEP else event.text
        self._tails.setdefault(service, deque(maxlen=TAIL)).append(line)
        return line

    def end(self, service: str, outcome: str) -> None:
        """Say how it ended."""
        output.log(f"{service}: {outcome}")

    def failed(self, service: str) -> None:
        """Repeat the log's end where the log itself is interleaved with others'."""
        if self._prefixed:
            self._show_tail(service)

    def tail(self, service: str) -> tuple[str, ...]:
        """Return the log's last lines."""
        return tuple(self._tails.get(service, ()))

    def _show_tail(self, service: str) -> None:
        tail = self.tail(service)
        if tail:
            output.log(f"the end of the log of {service}:")
            for line in tail:
                output.log(f"    {line}")


class Sections(Lines):
    """A GitLab job's log: each phase of one service a section that is collapsed once it is read.

    With several services at once each one's log is kept and written as a whole, so that no section lies in another.
    """

    def __init__(self, *, alone: bool) -> None:
        super().__init__(prefixed=not alone)
        self._alone = alone
        self._open: dict[str, str] = {}
        self._kept: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def begin(self, service: str, phase: str) -> None:
        """Open a section."""
        self.close(service)
        self._tails[service] = deque(maxlen=TAIL)
        name = self._open[service] = _section(service, phase)
        start = f"\x1b[0Ksection_start:{int(time.time())}:{name}[collapsed=true]\r\x1b[0K{service}: {phase}"
        if self._alone:
            output.log(start)
        else:
            self._kept.setdefault(service, []).append(start)
            output.log(f"{service}: {phase}")

    def event(self, service: str, event: Event) -> None:
        """Print a line into the section, or keep it; of several services only the steps are shown at once."""
        line = self.line(service, event)
        if not line:
            return
        if self._alone:
            output.log(line)
            return
        self._kept.setdefault(service, []).append(line)
        if event.kind is Kind.STEP:
            output.log(f"{service} | step {event.number} of {event.total}")

    def end(self, service: str, outcome: str) -> None:
        """Close the section, and say after it how it ended."""
        self.close(service)
        self._write(service)
        output.log(f"{service}: {outcome}")

    def failed(self, service: str) -> None:
        """Close the section and show the log's end after it, where it is open."""
        self.close(service)
        self._write(service)
        self._show_tail(service)

    def close(self, service: str) -> None:
        """End the section that is open."""
        name = self._open.pop(service, "")
        if name:
            end = f"\x1b[0Ksection_end:{int(time.time())}:{name}\r\x1b[0K"
            if self._alone:
                output.log(end)
            else:
                self._kept.setdefault(service, []).append(end)

    def _write(self, service: str) -> None:
        with self._lock:
            for line in self._kept.pop(service, []):
                output.log(line)


class Bars:
    """A terminal: one bar a service, and the log only where it failed."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.fields[service]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            expand=False,
        )
        self._tasks: dict[str, Any] = {}
        self._bytes: dict[str, dict[str, tuple[int, int]]] = {}
        self._quiet = Lines(prefixed=True)

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    @property
    def tasks(self) -> list[Task]:
        """The bars, one a service."""
        return self._progress.tasks

    def begin(self, service: str, phase: str) -> None:
        """Show the service's bar, empty."""
        if service not in self._tasks:
            self._tasks[service] = self._progress.add_task(phase, service=service, count="", total=None)
        self._bytes[service] = {}
        self._progress.update(self._tasks[service], description=phase, count="", completed=0, total=None)

    def event(self, service: str, event: Event) -> None:
        """Move the bar: by steps while it builds, by bytes while it pushes."""
        self._quiet.line(service, event)
        task = self._tasks[service]
        if event.kind is Kind.STEP:
            count = f"{event.number}/{event.total}" if event.total else str(event.number)
            self._progress.update(
                task, completed=event.number - 1, total=event.total or None, count=count, description=event.text[:80]
            )
        elif event.kind is Kind.TRANSFER and event.total:
            self._bytes[service][event.layer] = (event.number, event.total)
            done, total = (sum(each) for each in zip(*self._bytes[service].values(), strict=True))
            count = f"{done / 1e6:.1f}/{total / 1e6:.1f} MB"
            self._progress.update(task, completed=min(done, total), total=total, count=count)

    def end(self, service: str, outcome: str) -> None:
        """Fill the bar."""
        if service in self._tasks:
            self._progress.update(self._tasks[service], total=1, completed=1, count="", description=outcome)

    def failed(self, service: str) -> None:
        """Show the log's end above the bars."""
        if service in self._tasks:
            self._progress.update(self._tasks[service], description="failed", count="")
        self._progress.print(f"the end of the log of {service}:", markup=False, highlight=False)
        for line in self._quiet.tail(service):
            self._progress.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)


def _section(service: str, phase: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"mcci_{phase}_{service}")
