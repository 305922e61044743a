"""What a person sees of a rehearsal while it is played: steps, jobs as they end, and on a terminal what runs now."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Self

from mcci import output
from mcci.simulation.status.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.status import Status as Line

    from mcci.rehearsal.gitlab.model import Build
    from mcci.rehearsal.gitlab.site import Site

SHOWN = 4  # jobs that the line names
LOOK = 0.5  # seconds between two looks, where nothing changes
ENDS = {Status.SUCCESS: "✓", Status.FAILED: "✗", Status.CANCELED: "-"}


class Progress:
    """Follows a local GitLab from a thread, from `watch` to the end of `with`."""

    def __init__(self) -> None:
        self._console: Console | None = None
        self._line: Line | None = None
        self._said: set[int] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        if sys.stderr.isatty():
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False)
            self._line = self._console.status("")

    def tell(self, message: str) -> None:
        """Say something, above what runs now."""
        if self._console is None:
            output.log(message)
        else:
            self._console.print(message, markup=False)

    def watch(self, site: Site) -> None:
        """Follow this GitLab."""
        self._thread = threading.Thread(target=self._follow, args=(site,), name="progress", daemon=True)
        self._thread.start()

    def _follow(self, site: Site) -> None:
        gitlab = site.gitlab
        revision = -1
        while not self._stopped.is_set():
            gitlab.wait_for_change(revision, LOOK)
            with gitlab.lock:
                revision = gitlab.revision
                builds = [each for each in gitlab.builds.values() if not each.is_bridge]
                ended = list(self._ended(builds))
                running = [each.name for each in builds if each.status is Status.RUNNING]
                waiting = sum(each.status is Status.PENDING for each in builds)
            for line in ended:
                self.tell(line)
            if self._line is not None:
                self._line.update(_now(running, waiting))

    def _ended(self, builds: list[Build]) -> Iterator[str]:
        for build in builds:
            if build.started is not None and build.over and build.id not in self._said:
                self._said.add(build.id)
                yield f"    {ENDS.get(build.status, ' ')} {build.name}  {build.seconds() or 0.0:.1f} s"

    def __enter__(self) -> Self:
        if self._line is not None:
            self._line.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self._line is not None:
            self._line.stop()


def _now(running: list[str], waiting: int) -> str:
    """Return what runs now, in a line."""
    names = ", ".join(running[:SHOWN]) + (f" and {len(running) - SHOWN} more" if len(running) > SHOWN else "")
    return " · ".join(part for part in (names, f"{waiting} wait for the runner" if waiting else "") if part) or "…"
