"""What the local GitLab keeps of a project: its settings, pipelines, jobs and deployments."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from mcci.simulation.events import ProjectVariable
from mcci.simulation.status.model import COMPLETED, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mcci.rehearsal.gitlab.trace import Trace
    from mcci.simulation.model import Pipeline as Planned
    from mcci.simulation.model import PlannedJob
    from mcci.simulation.status.pipeline import Job as EngineJob
    from mcci.simulation.status.pipeline import Pipeline as EnginePipeline


def same(one: str, other: str) -> bool:
    """Whether two tokens are the same, in a time that tells nothing of them."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


class Access(IntEnum):
    """GitLab's access levels. Source: https://docs.gitlab.com/api/access_requests/#valid-access-levels"""

    NONE = 0
    GUEST = 10
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or a bot, with the access token they come with."""

    id: int
    login: str
    name: str
    email: str
    access: Access = Access.MAINTAINER
    token: str = field(default_factory=lambda: f"glpat-{secrets.token_hex(10)}", repr=False)


@dataclass(slots=True, kw_only=True)
class Settings:
    """A project's settings, as people and `mcci setup` change them."""

    path: str
    id: int = 1
    default_branch: str = "main"
    configuration: str = ".gitlab-ci.yml"
    variables_role: str = "developer"  # who may give a pipeline variables
    variables: list[ProjectVariable] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)  # variables that are masked and never shown again
    protected: dict[str, Protection] = field(default_factory=dict)
    trigger_tokens: dict[int, TriggerToken] = field(default_factory=dict)
    schedules: dict[int, Schedule] = field(default_factory=dict)
    agents: dict[int, Agent] = field(default_factory=dict)
    agent_tokens: dict[int, AgentToken] = field(default_factory=dict)
    deploy_tokens: dict[int, DeployToken] = field(default_factory=dict)
    protected_environments: dict[str, ProtectedEnvironment] = field(default_factory=dict)
    runner_token: str = field(default_factory=lambda: f"glrt-{secrets.token_hex(10)}", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """A protected branch: who may push and merge to it."""

    name: str
    push: Access = Access.MAINTAINER
    merge: Access = Access.MAINTAINER
    allow_force_push: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerToken:
    """A pipeline trigger token; it acts as its owner."""

    id: int
    description: str
    owner: User
    token: str = field(default_factory=lambda: f"glptt-{secrets.token_hex(20)}", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A pipeline schedule. A rehearsal starts it when asked, never by the clock."""

    id: int
    description: str
    ref: str
    cron: str
    timezone: str
    active: bool
    owner: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A registered GitLab agent for Kubernetes."""

    id: int
    name: str
    owner: User
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentToken:
    """A token with which an agent's program in a cluster speaks for it."""

    id: int
    agent: int
    name: str
    owner: User
    created: float
    token: str = field(default_factory=lambda: f"glagent-{secrets.token_hex(25)}", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployToken:
    """A token that reads or writes a project's repository or registry, without being a person."""

    id: int
    name: str
    username: str
    scopes: tuple[str, ...]
    expires: str | None = None
    token: str = field(default_factory=lambda: f"gldt-{secrets.token_hex(10)}", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedEnvironment:
    """An environment to which only some may deploy: of GitLab's paid tiers."""

    name: str
    deploy: Access = Access.MAINTAINER


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """A pipeline: what the simulation planned, how the status engine plays it, and what happened when."""

    id: int
    iid: int
    planned: Planned = field(repr=False)
    engine: EnginePipeline = field(repr=False)
    ref: str
    sha: str
    before: str
    source: str
    user: User
    created: float
    parent: Pipeline | None = None
    started: float | None = None
    finished: float | None = None
    builds: dict[str, Build] = field(default_factory=dict, repr=False)  # the latest attempt of each job

    @property
    def status(self) -> Status:
        """Its status, GitLab's word."""
        return self.engine.status

    @property
    def name(self) -> str:
        """What `workflow:name` made of it."""
        return self.planned.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a job handed over: an archive, or a report of one type."""

    type: str
    format: str
    name: str
    path: Path
    size: int


@dataclass(slots=True, kw_only=True)
class Build:
    """One attempt of a job; GitLab gives each an id of its own."""

    id: int
    pipeline: Pipeline = field(repr=False)
    planned: PlannedJob = field(repr=False)
    engine: EngineJob = field(repr=False)
    attempt: int
    trace: Trace = field(repr=False)
    created: float
    token: str = field(repr=False)
    last: Status | None = None  # how an attempt ended that another one followed
    queued: float | None = None
    started: float | None = None
    finished: float | None = None
    outcome: Status | None = None  # how it ended, while it is over
    runner: str = ""
    user: User | None = None
    failure_reason: str = ""
    exit_code: int | None = None
    heard: float = 0.0  # when its runner last said something of it
    artifacts: list[Artifact] = field(default_factory=list)
    dotenv: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)  # given when a person started it

    @property
    def name(self) -> str:
        """The job's name."""
        return self.planned.name

    @property
    def status(self) -> Status:
        """Its status, GitLab's word."""
        return self.last or self.engine.status

    @property
    def retried(self) -> bool:
        """Whether a later attempt took its place."""
        return self.last is not None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in COMPLETED

    @property
    def is_bridge(self) -> bool:
        """Whether it is a trigger job, which no runner runs."""
        return self.planned.job.trigger is not None

    @property
    def is_manual(self) -> bool:
        """Whether a person starts it."""
        return self.planned.when == "manual"

    def seconds(self, now: float | None = None) -> float | None:
        """Return how long it ran, or has run until `now`."""
        if self.started is None:
            return None
        return (self.finished or now or time.time()) - self.started


@dataclass(slots=True, kw_only=True)
class Deployment:
    """What a job with `environment:action: start` does to an environment."""

    id: int
    environment: Environment = field(repr=False)
    build: Build = field(repr=False)
    created: float

    @property
    def status(self) -> str:
        """GitLab's word: `running`, `success`, `failed`, `canceled`, or `created` before a runner has it."""
        known = {Status.RUNNING: "running", Status.SUCCESS: "success", Status.FAILED: "failed",
                 Status.CANCELED: "canceled", Status.CANCELING: "running"}  # fmt: skip
        return known.get(self.build.status, "created")


@dataclass(slots=True, kw_only=True)
class Environment:
    """A place that jobs deploy to."""

    id: int
    name: str
    tier: str
    url: str = ""
    state: str = "available"
    created: float = 0.0
    deployments: list[Deployment] = field(default_factory=list, repr=False)

    @property
    def last(self) -> Deployment | None:
        """The last deployment that succeeded."""
        return next((each for each in reversed(self.deployments) if each.status == "success"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One branch of a push: the commits before and after, blank where there was or is none."""

    branch: str
    before: str
    after: str
