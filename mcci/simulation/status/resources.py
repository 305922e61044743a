"""Resource groups: of the jobs that share one, a single one runs; the process mode says which comes next.

https://docs.gitlab.com/ci/resource_groups/. A group belongs to a project, so its jobs may be in several pipelines.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum

from mcci.simulation.status.model import COMPLETED, Status
from mcci.simulation.status.pipeline import Job
from mcci.simulation.status.processing import enqueue_with_resource

_UPCOMING = frozenset({Status.CREATED, Status.SCHEDULED})


class ProcessMode(Enum):
    """In which order the waiting jobs get the resource. Within one pipeline GitLab promises no order."""

    UNORDERED = "unordered"
    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"
    NEWEST_READY_FIRST = "newest_ready_first"


class ResourceGroup:
    """One group of one project: who holds its resource and who waits for it, by the pipelines' ids."""

    __slots__ = ("holder", "mode", "upcoming", "waiting")

    def __init__(self, mode: ProcessMode = ProcessMode.UNORDERED) -> None:
        self.mode = mode
        self.holder: Job | None = None
        self.waiting: dict[int, dict[Job, None]] = {}
        self.upcoming: Counter[int] = Counter()

    def join(self, job: Job) -> None:
        """Take in a job that was just created."""
        self.upcoming[job.pipeline.id] += 1

    def follow(self, job: Job, old: Status, new: Status) -> None:
        """Note a member's status change. `assign` comes once all changes are noted, lest a job that left is chosen."""
        pipeline = job.pipeline.id
        self.upcoming[pipeline] += (new in _UPCOMING) - (old in _UPCOMING)
        if not self.upcoming[pipeline]:
            del self.upcoming[pipeline]
        if old is Status.WAITING_FOR_RESOURCE and pipeline in self.waiting:
            self.waiting[pipeline].pop(job, None)
            if not self.waiting[pipeline]:
                del self.waiting[pipeline]
        if new is Status.WAITING_FOR_RESOURCE:
            self.waiting.setdefault(pipeline, {})[job] = None
        if job is self.holder and (new in COMPLETED or new is Status.CREATED):
            self.holder = None

    def assign(self) -> None:
        """Give the resource to the job whose turn it is, if it is free and that job is ready for it."""
        if self.holder is None:
            job = self._next()
            if job is not None:
                self.holder = job
                enqueue_with_resource(job)

    def _next(self) -> Job | None:
        if not self.waiting:
            return None
        match self.mode:
            case ProcessMode.UNORDERED:
                turn = next(iter(self.waiting))
            case ProcessMode.OLDEST_FIRST:
                turn = min(self.waiting.keys() | self.upcoming.keys())
            case ProcessMode.NEWEST_FIRST:
                turn = max(self.waiting.keys() | self.upcoming.keys())
            case ProcessMode.NEWEST_READY_FIRST:
                turn = max(self.waiting)
        return next(iter(self.waiting.get(turn, ())), None)
