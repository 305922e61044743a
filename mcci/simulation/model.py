"""What an event makes: pipelines and their jobs as values, each with why it is in or out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcci.findings import Finding, Position
from mcci.pipeline.configuration import Configuration
from mcci.pipeline.jobs import AllowFailure, Job
from mcci.pipeline.rules import Rule
from mcci.simulation.events import Event
from mcci.simulation.scope import Scope
from mcci.simulation.world import EventWorld


class Circumstances(Protocol):
    """What the rules of a pipeline's jobs were decided by, for those who explain them."""

    world: EventWorld

    def scope_of(self, job: Job) -> Scope:
        """Return the variables that a job's rules see."""

    def scope_of_workflow(self) -> Scope:
        """Return the variables that `workflow:rules` see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a job (or a pipeline) is in, and why.

    `rule` counts the rules from 0 and is None where no rule decided; `position` is the deciding text's.
    """

    included: bool
    reason: str
    rule: int | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A job that is in a pipeline, with what its rules made of it.

    `needs` are the names of the jobs it waits for, None where it waits for the stages before its own. A trigger job has
    its `child` pipeline, or `child_note` saying why there is none to show.
    """

    job: Job
    decision: Decision
    when: str
    start_in: str | None
    allow_failure: AllowFailure
    needs: tuple[str, ...] | None
    interruptible: bool
    environment: str | None
    resource_group: str | None
    variables: Mapping[str, str] = field(default_factory=dict)
    child: Pipeline | None = None
    child_note: str = ""

    @property
    def name(self) -> str:
        """Return the job's name."""
        return self.job.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What an event makes: a pipeline, or (`decision.included` false) none, and why.

    `left_out` has the jobs that are not in it. `findings` are what keeps GitLab from creating it.
    """

    name: str
    project: str
    event: Event
    decision: Decision
    configuration: Configuration
    jobs: tuple[PlannedJob, ...] = ()
    left_out: tuple[tuple[Job, Decision], ...] = ()
    findings: tuple[Finding, ...] = ()
    depth: int = 0
    circumstances: Circumstances | None = field(default=None, repr=False, compare=False)

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the stages that have jobs, in order."""
        present = {planned.job.stage for planned in self.jobs}
        return tuple(stage for stage in self.configuration.stages if stage in present)

    def all_pipelines(self) -> Iterator[Pipeline]:
        """Yield this pipeline and all below it, depth first."""
        yield self
        for planned in self.jobs:
            if planned.child is not None:
                yield from planned.child.all_pipelines()


def describe_rule(rule: Rule) -> str:
    """Return a rule on one line, as its keywords say it."""
    parts: list[str] = []
    if rule.condition is not None:
        parts.append(f"if {rule.condition}")
    if rule.changes is not None:
        against = f" compared to {rule.changes.compare_to}" if rule.changes.compare_to else ""
        parts.append(f"changes {', '.join(rule.changes.paths)}{against}")
    if rule.exists is not None:
        parts.append(f"exists {', '.join(rule.exists.paths)}")
    if rule.when is not None:
        parts.append(f"when: {rule.when}")
    return "; ".join(parts) or "always"
