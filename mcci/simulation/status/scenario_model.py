"""A scenario as values: configurations, events, and the statuses expected after each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mcci.findings import Position
from mcci.pipeline.document import Map
from mcci.simulation.events import Source
from mcci.simulation.status.model import Status
from mcci.simulation.status.resources import ProcessMode

MAIN = ""


class Event(Enum):
    """What happens. On jobs, unless said otherwise; without jobs, on the whole pipeline."""

    SUCCESS = "success"
    DROP = "drop"
    RUN = "run"
    PLAY = "play"  # without jobs: all manual jobs, or those of `stage`
    RETRY = "retry"
    CANCEL = "cancel"
    ENQUEUE = "enqueue"
    FORCE_CANCEL = "force_cancel"
    UNSCHEDULE = "unschedule"
    PREPARED = "prepared"
    START = "start"  # the pipeline named by `pipeline`, one of the scenario's `pipelines`
    WAIT = "wait"  # for `seconds`


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One status that should be: of a job, of a stage, or of the pipeline itself (no name)."""

    pipeline: str
    kind: str
    name: str
    status: Status
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A name that the scenario gives, and where."""

    name: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transition; the first one, `init`, has no event."""

    event: Event | None
    expected: tuple[Expected, ...]
    position: Position
    jobs: tuple[Named, ...] | None = None
    pipeline: Named | None = None
    stage: Named | None = None
    exit_code: int | None = None
    reason: str = "script_failure"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A pipeline's configuration, and the commit and the cause it is for."""

    config: Map
    project: str = "group/project"
    ref: str = "main"
    target: str = "main"
    sha: str = ""
    source: Source = Source.PUSH


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole scenario file. `files` and `projects` are configurations that trigger jobs name."""

    title: str
    source: str
    main: Configured
    steps: tuple[Step, ...]
    files: dict[str, Map] = field(default_factory=dict)
    projects: dict[str, Map] = field(default_factory=dict)
    pipelines: dict[str, Configured] = field(default_factory=dict)
    modes: dict[str, ProcessMode] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    cancels_gracefully: bool = False
