"""What a project should have, what it has, and the changes between the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Kind(Enum):
    """What a change is about."""

    PROJECT = "project"
    BRANCH = "protected branch"
    ENVIRONMENT = "environment"
    PROTECTED_ENVIRONMENT = "protected environment"
    VARIABLE = "variable"
    DEPLOY = "deploy token"
    TRIGGER = "trigger token"
    SCHEDULE = "schedule"
    AGENT = "cluster agent"
    AGENT_ACCESS = "token of the cluster agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A CI/CD variable that the pipelines need. `protected` None: either will do. `use` says what it is for."""

    key: str
    use: str
    protected: bool | None = True
    masked: bool = False
    file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment of GitLab's: one a cluster."""

    name: str
    tier: str
    url: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A pipeline that GitLab starts by the clock."""

    description: str
    branch: str
    cron: str
    timezone: str = "UTC"
    active: bool = True
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A GitLab agent for Kubernetes, registered in a project."""

    project: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The release registry, and the variables that hold its user and password."""

    host: str
    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a project should have. `trigger` is the variable that holds a trigger token, empty where none is needed.

    `hides` says that new secrets are shown to nobody ever again, `agent_tokens` is where new agents' tokens go,
    `passes_variables` that the delivery starts a pipeline with a variable.
    """

    default_branch: str
    configuration: str
    protected: tuple[str, ...]
    delivers: tuple[str, str] | None
    variables: tuple[Variable, ...]
    environments: tuple[Environment, ...]
    registry: Registry
    protected_environments: tuple[str, ...] = ()
    trigger: str = ""
    schedule: Schedule | None = None
    agents: tuple[Agent, ...] = ()
    agent_tokens: Path | None = None
    hides: bool = False
    passes_variables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """A protected branch: the lowest access levels that may push and merge (None: nobody).

    `has_names` says that it lets in users, groups or keys by their names, too.
    """

    name: str
    push: int | None
    merge: int | None
    allow_force_push: bool
    has_names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A variable as GitLab has it; the value of a hidden one is None."""

    key: str
    value: str | None = field(repr=False)
    protected: bool
    masked: bool
    file: bool
    scope: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a project has. `triggers` are the descriptions of its trigger tokens, `registry` its container registry's
    host, `with_token` the agents that have one, `variables_role` who may start pipelines with variables (empty: all).
    """

    default_branch: str
    configuration: str
    branches: frozenset[str]
    protected: Mapping[str, Protection]
    variables: tuple[Kept, ...]
    environments: Mapping[str, Environment]
    triggers: frozenset[str]
    schedules: tuple[Schedule, ...]
    agents: frozenset[Agent]
    with_token: frozenset[Agent] = frozenset()
    registry: str = ""
    variables_role: str = ""
    protected_environments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to be done. `body` is what GitLab gets, which may be secret; `id` is what it is done to, else new."""

    kind: Kind
    name: str
    says: tuple[str, ...]
    body: Mapping[str, Any] = field(repr=False)
    id: int | str = ""

    @property
    def is_new(self) -> bool:
        """Whether something is made that was not there."""
        return not self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done; the variables that lack a value; and what only people can put right."""

    changes: tuple[Change, ...]
    missing: tuple[Variable, ...]
    problems: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether the project is as it should be."""
        return not (self.changes or self.missing or self.problems)
