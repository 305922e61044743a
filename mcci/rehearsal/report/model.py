"""A rehearsal's report as values. Times are Unix seconds, as the local GitLab's clock has them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "mcci.rehearsal-report/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the scenario."""

    title: str
    action: str
    began: float
    seconds: float
    said: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt of a job. `critical` says whether it lies on its pipelines' critical path."""

    id: int
    name: str
    stage: str
    status: str
    attempt: int
    retried: bool
    manual: bool
    bridge: bool
    queued: float | None
    started: float | None
    finished: float | None
    by: str
    failure_reason: str
    exit_code: int | None
    critical: bool = False

    @property
    def seconds(self) -> float | None:
        """How long it ran; None where it did not, or has not ended."""
        return None if self.started is None or self.finished is None else self.finished - self.started


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline and all its attempts of jobs, by stage."""

    id: int
    name: str
    ref: str
    sha: str
    source: str
    status: str
    by: str
    created: float
    finished: float | None
    parent: int | None
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One job of a critical path: how long it ran, and how long before that nothing of the path ran, and why."""

    job: str
    pipeline: int
    seconds: float
    waited: float
    waited_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A pipeline with those below it, and the jobs that decided how long it all took."""

    pipelines: tuple[Pipeline, ...]
    path: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What was waited for: a job of a critical path, or what kept one from starting."""

    what: str
    pipeline: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One service of a release."""

    service: str
    digest: str
    content_tag: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release, by its services' digests, and the pipelines that delivered it."""

    name: str
    pipelines: tuple[int, ...]
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment, its last deployment that succeeded, and how the newest one went."""

    name: str
    tier: str
    url: str
    state: str
    release: str
    job: str
    pipeline: int | None
    by: str
    at: float | None
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A canary at one time: its weight, and errors (percent) and p95 (ms) of canary and stable, None where unknown."""

    at: float
    weight: int
    errors: tuple[float | None, float | None] = (None, None)
    latency: tuple[float | None, float | None] = (None, None)
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What was done to a canary, by whom, and what the judge said of it."""

    at: float
    action: str
    step: int
    who: str
    verdict: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A service's canary as its last job has left it."""

    service: str
    stable: str
    canary: str
    phase: str
    points: tuple[Point, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it."""

    title: str
    description: str
    scenario: str
    passed: bool
    error: str
    began: float
    seconds: float
    steps: tuple[Step, ...]
    families: tuple[Family, ...]
    waits: tuple[Wait, ...]
    releases: tuple[Release, ...]
    environments: tuple[Environment, ...]
    canaries: tuple[Canary, ...]


def body(report: Report) -> dict[str, Any]:
    """Return the report as JSON has it."""
    return {"schema": SCHEMA, **asdict(report)}
