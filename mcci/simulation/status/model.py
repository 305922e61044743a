"""What GitLab knows of a job and a pipeline before anything runs: the input of the status engine.

The engine never sees YAML. Whoever has a pipeline (a scenario file, the simulator, a local GitLab) says it in these
values; everything that rules, `extends` and `include` decide is decided before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """A job's, a stage's or a pipeline's status, by GitLab's own names."""

    CREATED = "created"
    WAITING_FOR_RESOURCE = "waiting_for_resource"
    PREPARING = "preparing"
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELING = "canceling"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    MANUAL = "manual"
    SCHEDULED = "scheduled"


COMPLETED = frozenset({Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.SKIPPED})
CANCELABLE = frozenset(
    {
        Status.CREATED,
        Status.WAITING_FOR_RESOURCE,
        Status.PREPARING,
        Status.PENDING,
        Status.RUNNING,
        Status.SCHEDULED,
    }
)
ACTIVE = CANCELABLE | {Status.CANCELING}


class When(Enum):
    """The `when` keyword of a job, after its rules."""

    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"
    MANUAL = "manual"
    DELAYED = "delayed"
    NEVER = "never"


class Strategy(Enum):
    """How a trigger job follows its downstream pipeline. `NONE`: not at all, it succeeds once the pipeline exists."""

    NONE = "none"
    DEPEND = "depend"
    MIRROR = "mirror"


class OnNewCommit(Enum):
    """`workflow:auto_cancel:on_new_commit`."""

    CONSERVATIVE = "conservative"
    INTERRUPTIBLE = "interruptible"
    NONE = "none"


class OnJobFailure(Enum):
    """`workflow:auto_cancel:on_job_failure`."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One job that another one needs in the same pipeline. An optional need may be absent."""

    job: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The `retry` keyword: how often a failed job starts again by itself.

    With neither reasons nor exit codes every failure counts, as with the reason `always`.
    """

    max: int = 0
    when: frozenset[str] = frozenset()
    exit_codes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The `trigger` keyword. Without a project the downstream pipeline is a child in the same project.

    `reference` is whatever lets the caller find the downstream pipeline's jobs (the included files, for example).
    """

    project: str | None = None
    branch: str | None = None
    strategy: Strategy = Strategy.NONE
    reference: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job of a pipeline, rules applied.

    `needs` is None for a job that waits for its earlier stages, and empty for one that waits for nothing.
    `start_in` is in seconds. `prepares` says that GitLab prepares something (a namespace) before a runner gets the job.
    """

    name: str
    stage: str
    when: When = When.ON_SUCCESS
    allow_failure: bool = False
    allow_failure_exit_codes: frozenset[int] = frozenset()
    needs: tuple[Need, ...] | None = None
    start_in: float | None = None
    resource_group: str | None = None
    retry: Retry | None = None
    trigger: Trigger | None = None
    interruptible: bool = False
    prepares: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSpec:
    """The jobs of one pipeline, and its stages in order (stages without jobs are left out of the pipeline)."""

    stages: tuple[str, ...]
    jobs: tuple[JobSpec, ...]
    on_new_commit: OnNewCommit = OnNewCommit.CONSERVATIVE
    on_job_failure: OnJobFailure = OnJobFailure.NONE
