"""The state of one pipeline: its jobs' latest attempts, and the statuses of its stages and of itself.

Every status change goes through `Pipeline.change`, which keeps what the next steps look up (how many jobs of a stage
are of which kind, which jobs wait for what), so that one event costs what it changes, not the size of the pipeline.
"""

from __future__ import annotations

from collections import deque
from heapq import heappush
from typing import TypeAlias

from mcci.simulation.status.composite import Tally, kind
from mcci.simulation.status.model import COMPLETED, JobSpec, PipelineSpec, Status

# A need that comes to one of these may skip the job before its other needs are completed.
_SKIPPING = frozenset({Status.SKIPPED, Status.MANUAL})


class Job:
    """A job's latest attempt. Change its status with `Pipeline.change` only."""

    __slots__ = (
        "allow_failure",
        "attempt",
        "blocked_by",
        "dependents",
        "downstream",
        "due",
        "exit_code",
        "failure_reason",
        "immediately",
        "open_needs",
        "order",
        "pipeline",
        "spec",
        "stage",
        "status",
    )

    def __init__(self, spec: JobSpec, pipeline: Pipeline, stage: Stage) -> None:
        self.spec = spec
        self.pipeline = pipeline
        self.stage = stage
        self.status = Status.CREATED
        self.allow_failure = spec.allow_failure
        self.attempt = 0
        self.failure_reason: str | None = None
        self.exit_code: int | None = None
        self.due: float | None = None
        self.immediately = False
        self.downstream: Pipeline | None = None
        self.blocked_by: list[Job] = []
        self.dependents: list[Job] = []
        self.open_needs = 0
        self.order = 0

    @property
    def name(self) -> str:
        return self.spec.name

    def __repr__(self) -> str:
        return f"<Job {self.pipeline.id}/{self.name} {self.status.value}>"


class Stage:
    """A stage that has jobs: its status, and those of its jobs that are yet to be looked at."""

    __slots__ = ("changed", "index", "name", "ready", "status", "tally", "waiting")

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.status = Status.CREATED
        self.tally = Tally()
        self.changed = True
        self.waiting: dict[Job, None] = {}
        self.ready: list[tuple[int, int, Job]] = []


JobChange: TypeAlias = "tuple[Job, Status, Status]"


class Pipeline:
    """One pipeline.

    `spec` must be sound: see `mcci.simulation.status.soundness`. `bridge` is the trigger job that started it; `changes`
    is where each change of a job's status is written down, for an instance to act on.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        *,
        id: int = 1,
        project: str = "",
        ref: str = "main",
        sha: str = "",
        source: str = "push",
        bridge: Job | None = None,
        changes: deque[JobChange] | None = None,
    ) -> None:
        self.spec = spec
        self.id = id
        self.project = project
        self.ref = ref
        self.sha = sha
        self.source = source
        self.bridge = bridge
        self.status = Status.CREATED
        self.tally = Tally()
        self.changes: deque[JobChange] = deque() if changes is None else changes
        self.stages = self._make_stages(spec)
        self.jobs: dict[str, Job] = {}
        self._add_jobs(spec)

    @property
    def parent(self) -> Pipeline | None:
        """The pipeline that this one is a child of, in the same project."""
        if self.bridge is None or self.bridge.pipeline.project != self.project:
            return None
        return self.bridge.pipeline

    def change(self, job: Job, status: Status) -> None:
        """Give the job a status. What follows from it is for `processing` and the instance to find out."""
        old = job.status
        if status is old:
            return
        self._count(job, -1)
        job.status = status
        self._count(job, +1)
        job.stage.changed = True
        self.changes.append((job, old, status))
        if old is Status.CREATED and job.spec.needs is None:
            job.stage.waiting.pop(job, None)
        if status is Status.CREATED:
            self._await(job)
        self._tell_dependents(job, old, status)

    def _tell_dependents(self, job: Job, old: Status, new: Status) -> None:
        """Count what dependents still wait for, and have those looked at that may now be ready or be skipped."""
        completed = (new in COMPLETED) - (old in COMPLETED)
        if not completed and new not in _SKIPPING:
            return
        for dependent in job.dependents:
            dependent.open_needs -= completed
            if dependent.status is Status.CREATED and (not dependent.open_needs or new in _SKIPPING):
                self._await(dependent)

    def allow_failure(self, job: Job, allowed: bool) -> None:
        """Say whether the job's failure counts, which an exit code can decide."""
        if job.allow_failure is not allowed:
            self._count(job, -1)
            job.allow_failure = allowed
            self._count(job, +1)
            job.stage.changed = True

    def _await(self, job: Job) -> None:
        if job.spec.needs is None:
            job.stage.waiting[job] = None
        else:
            heappush(job.stage.ready, (job.order, id(job), job))

    def _count(self, job: Job, step: int) -> None:
        index = kind(job.status, job.allow_failure)
        for tally in (job.stage.tally, self.tally):
            if step > 0:
                tally.add(index)
            else:
                tally.remove(index)

    @staticmethod
    def _make_stages(spec: PipelineSpec) -> list[Stage]:
        used = {job.stage for job in spec.jobs}
        names = [name for name in spec.stages if name in used]
        return [Stage(name, index) for index, name in enumerate(names)]

    def _add_jobs(self, spec: PipelineSpec) -> None:
        stages = {stage.name: stage for stage in self.stages}
        for job_spec in spec.jobs:
            self.jobs[job_spec.name] = Job(job_spec, self, stages[job_spec.stage])
        for job in self.jobs.values():
            for need in job.spec.needs or ():
                needed = self.jobs.get(need.job)
                if needed is not None:
                    job.blocked_by.append(needed)
                    job.open_needs += 1
                    needed.dependents.append(job)
        self._set_order()
        for job in self.jobs.values():
            self._count(job, +1)
            self._await(job)

    def _set_order(self) -> None:
        """Order the jobs of a stage by their needs in the same stage, a job after what it needs."""
        left = {job: sum(need.stage is job.stage for need in job.blocked_by) for job in self.jobs.values()}
        free = deque(job for job, count in left.items() if not count)
        place = 0
        while free:
            job = free.popleft()
            job.order = place
            place += 1
            for dependent in job.dependents:
                if dependent.stage is job.stage:
                    left[dependent] -= 1
                    if not left[dependent]:
                        free.append(dependent)
