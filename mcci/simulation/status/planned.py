"""From a planned pipeline (which jobs an event makes) to what the status engine plays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, TypeVar

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import Map
from mcci.simulation.pipelines import Pipeline, PlannedJob
from mcci.simulation.status.durations import seconds
from mcci.simulation.status.instance import Refusal
from mcci.simulation.status.model import (
    JobSpec,
    Need,
    OnJobFailure,
    OnNewCommit,
    PipelineSpec,
    Retry,
    Strategy,
    Trigger,
    When,
)
from mcci.simulation.status.pipeline import Job
from mcci.simulation.status.soundness import problems

MAX_DELAY = 7 * 24 * 3600
_E = TypeVar("_E", bound=Enum)


def pipeline_spec(planned: Pipeline) -> PipelineSpec:
    """Return the pipeline's jobs for the status engine.

    Raises `InvalidInput` for a pipeline that GitLab would not create, with the reasons.
    """
    if not planned.decision.included:
        raise InvalidInput(planned.findings or [_no_pipeline(planned)])
    findings: list[Finding] = []
    auto_cancel = _auto_cancel(planned)
    spec = PipelineSpec(
        stages=planned.configuration.stages,
        jobs=tuple(_job_spec(job, findings) for job in planned.jobs),
        on_new_commit=_member(OnNewCommit, auto_cancel, "on_new_commit", OnNewCommit.CONSERVATIVE, findings),
        on_job_failure=_member(OnJobFailure, auto_cancel, "on_job_failure", OnJobFailure.NONE, findings),
    )
    findings.extend(_unsound(spec, planned))
    if findings:
        raise InvalidInput(findings)
    return spec


def downstream(bridge: Job) -> PipelineSpec | Refusal | None:
    """Return what a trigger job of a planned pipeline starts: for `Instance`."""
    assert bridge.spec.trigger is not None
    planned = bridge.spec.trigger.reference
    assert isinstance(planned, PlannedJob)
    if planned.child is None:
        return None
    try:
        return pipeline_spec(planned.child)
    except InvalidInput:
        return Refusal()


def _job_spec(planned: PlannedJob, findings: list[Finding]) -> JobSpec:
    job = planned.job
    return JobSpec(
        name=job.name,
        stage=job.stage,
        when=When(planned.when),
        allow_failure=planned.allow_failure.allowed,
        allow_failure_exit_codes=frozenset(planned.allow_failure.exit_codes),
        needs=None if planned.needs is None else tuple(Need(job=name) for name in planned.needs),
        start_in=_start_in(planned, findings),
        resource_group=planned.resource_group,
        retry=_retry(planned),
        trigger=_trigger(planned),
        interruptible=planned.interruptible,
    )


def _retry(planned: PlannedJob) -> Retry | None:
    retry = planned.job.retry
    if "retry" not in planned.job.keywords:
        return None
    return Retry(max=retry.max, when=frozenset(retry.when), exit_codes=frozenset(retry.exit_codes))


def _trigger(planned: PlannedJob) -> Trigger | None:
    trigger = planned.job.trigger
    if trigger is None:
        return None
    child = planned.child
    return Trigger(
        project=None if trigger.include else trigger.project if child is None else child.project,
        branch=trigger.branch if child is None else child.event.ref,
        strategy=Strategy(trigger.strategy or "none"),
        reference=planned,
    )


def _start_in(planned: PlannedJob, findings: list[Finding]) -> float | None:
    if planned.start_in is None:
        return None
    delay = seconds(planned.start_in)
    if delay is None or delay > MAX_DELAY:
        message = f"{planned.name}: start_in should be a duration of at most one week, not '{planned.start_in}'"
        position = planned.job.keywords.value_position("start_in")
        findings.append(Finding(rule="start-in", message=message, position=position))
    return delay


def _auto_cancel(planned: Pipeline) -> list[Mapping[str, Any]]:
    """Return what `workflow:auto_cancel` says, the settings of the rule that made the pipeline first."""
    workflow = planned.configuration.workflow
    index = planned.decision.rule
    rule = workflow.rules[index] if workflow.rules is not None and index is not None else None
    own = rule.auto_cancel if rule is not None else None
    return [settings for settings in (own, workflow.auto_cancel) if settings]


def _member(kind: type[_E], layers: list[Mapping[str, Any]], key: str, default: _E, findings: list[Finding]) -> _E:
    settings = next((settings for settings in layers if key in settings), None)
    if settings is None:
        return default
    for member in kind:
        if member.value == settings[key]:
            return member
    allowed = ", ".join(str(member.value) for member in kind)
    position = settings.value_position(key) if isinstance(settings, Map) else Position(file="")
    message = f"workflow:auto_cancel:{key} should be one of {allowed}"
    findings.append(Finding(rule="auto-cancel", message=message, position=position))
    return default


def _unsound(spec: PipelineSpec, planned: Pipeline) -> Iterator[Finding]:
    positions = {job.name: job.job.position for job in planned.jobs}
    for job, message in problems(spec):
        yield Finding(rule="pipeline", message=message, position=positions[job.name])


def _no_pipeline(planned: Pipeline) -> Finding:
    position = planned.decision.position or Position(file=planned.configuration.file)
    return Finding(rule="no-pipeline", message=f"there is no pipeline: {planned.decision.reason}", position=position)
