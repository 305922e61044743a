"""Trigger jobs: they start a child or another project's pipeline and, given a strategy, take over its status.

https://docs.gitlab.com/ci/yaml/#triggerstrategy and https://docs.gitlab.com/ci/pipelines/downstream_pipelines/.
A pipeline started over the API from a script job has no trigger job: the two know nothing of each other's status.
"""

from __future__ import annotations

from mcci.simulation.status.instance import Instance, Refusal
from mcci.simulation.status.model import COMPLETED, Status, Strategy
from mcci.simulation.status.pipeline import Job, Pipeline
from mcci.simulation.status.processing import process

MAX_DEPTH = 2

_INHERITED = {
    Strategy.NONE: dict[Status, Status](),
    Strategy.DEPEND: {
        Status.SUCCESS: Status.SUCCESS,
        Status.CANCELED: Status.CANCELED,
        Status.FAILED: Status.FAILED,
        Status.SKIPPED: Status.FAILED,
    },
    Strategy.MIRROR: {
        status: status for status in (Status.SUCCESS, Status.CANCELED, Status.FAILED, Status.MANUAL, Status.SKIPPED)
    },
}


def follow(instance: Instance, bridge: Job, old: Status) -> None:
    """Start the downstream pipeline of a trigger job that has just become pending, unless it has one."""
    if old not in (Status.CREATED, Status.MANUAL, Status.WAITING_FOR_RESOURCE) or bridge.downstream is not None:
        return
    answer = _refusal(bridge) or (instance.downstream(bridge) if instance.downstream is not None else None)
    if isinstance(answer, Refusal):
        bridge.failure_reason = answer.reason
        bridge.pipeline.change(bridge, Status.FAILED)
        return
    bridge.pipeline.change(bridge, Status.RUNNING)
    trigger = bridge.spec.trigger
    assert trigger is not None
    if answer is not None:
        child = trigger.project is None
        upstream = bridge.pipeline
        bridge.downstream = instance.create(
            answer,
            project=upstream.project if trigger.project is None else trigger.project,
            ref=upstream.ref if child else trigger.branch or "main",
            sha=upstream.sha if child else "",
            source="parent_pipeline" if child else "pipeline",
            bridge=bridge,
        )
    if trigger.strategy is Strategy.NONE:
        bridge.pipeline.change(bridge, Status.SUCCESS)


def process_and_report(pipeline: Pipeline) -> None:
    """Process a pipeline, and tell the trigger job that follows it."""
    before = pipeline.status
    process(pipeline)
    if awaits(pipeline) and (pipeline.status is not before or pipeline.status in COMPLETED):
        assert pipeline.bridge is not None
        inherit(pipeline.bridge, pipeline.status)


def inherit(bridge: Job, status: Status) -> None:
    """Give a trigger job what its strategy makes of its downstream pipeline's status, if anything."""
    assert bridge.spec.trigger is not None
    inherited = _INHERITED[bridge.spec.trigger.strategy].get(status)
    if inherited is not None:
        bridge.pipeline.change(bridge, inherited)


def awaits(pipeline: Pipeline) -> bool:
    """Return whether a trigger job follows this pipeline: it has a strategy, and was not retried since."""
    bridge = pipeline.bridge
    if bridge is None or bridge.spec.trigger is None or bridge.downstream is not pipeline:
        return False
    return bridge.spec.trigger.strategy is not Strategy.NONE


def depth(pipeline: Pipeline) -> int:
    """Return how many pipelines of the same project are above this one."""
    above = 0
    while pipeline.parent is not None:
        pipeline = pipeline.parent
        above += 1
    return above


def _refusal(bridge: Job) -> Refusal | None:
    trigger = bridge.spec.trigger
    assert trigger is not None
    if trigger.project is not None:
        own = trigger.project == bridge.pipeline.project
        return Refusal(reason="invalid_bridge_trigger") if own else None
    if depth(bridge.pipeline) >= MAX_DEPTH:
        return Refusal(reason="reached_max_descendant_pipelines_depth")
    return None
