"""Trigger jobs where a scenario file cannot reach: refusals, unknown pipelines, old child pipelines."""

from __future__ import annotations

import pytest

from mcci.simulation.status import actions, bridges
from mcci.simulation.status.instance import Instance, Refusal
from mcci.simulation.status.model import PipelineSpec, Status, Strategy
from mcci.simulation.status.pipeline import Job
from mcci.simulation.status.settling import settle
from tests.unit.status.specs import bridge, job, spec, started, statuses

CHILD = spec(job("unit"))


def one_child(trigger: Job) -> PipelineSpec:
    """Answer the same child pipeline for every trigger job."""
    return CHILD


def test_refusal_fails_the_trigger_job_with_its_reason() -> None:
    """What the caller says GitLab refuses becomes the trigger job's failure reason."""
    instance = Instance(downstream=lambda _: Refusal(reason="insufficient_bridge_permissions"))
    _, pipeline = started(bridge("child"), instance=instance)
    child = pipeline.jobs["child"]
    assert (child.status, child.failure_reason) == (Status.FAILED, "insufficient_bridge_permissions")


@pytest.mark.parametrize(
    ("strategy", "downstream", "expected"),
    [
        (Strategy.DEPEND, Status.SUCCESS, Status.SUCCESS),
        (Strategy.DEPEND, Status.FAILED, Status.FAILED),
        (Strategy.DEPEND, Status.CANCELED, Status.CANCELED),
        (Strategy.DEPEND, Status.SKIPPED, Status.FAILED),
        (Strategy.DEPEND, Status.MANUAL, Status.RUNNING),
        (Strategy.DEPEND, Status.SCHEDULED, Status.RUNNING),
        (Strategy.MIRROR, Status.SUCCESS, Status.SUCCESS),
        (Strategy.MIRROR, Status.FAILED, Status.FAILED),
        (Strategy.MIRROR, Status.CANCELED, Status.CANCELED),
        (Strategy.MIRROR, Status.SKIPPED, Status.SKIPPED),
        (Strategy.MIRROR, Status.MANUAL, Status.MANUAL),
        (Strategy.MIRROR, Status.RUNNING, Status.RUNNING),
        (Strategy.NONE, Status.FAILED, Status.SUCCESS),
    ],
)
def test_status_inherited_from_a_pipeline_elsewhere(strategy: Strategy, downstream: Status, expected: Status) -> None:
    """A caller that watches the downstream pipeline itself hands its status in; the strategy decides what it means."""
    instance, pipeline = started(bridge("elsewhere", project="group/other", strategy=strategy))
    bridges.inherit(pipeline.jobs["elsewhere"], downstream)
    settle(instance)
    assert pipeline.jobs["elsewhere"].status is expected


def test_old_child_pipeline_no_longer_counts() -> None:
    """After a retry of the trigger job the child pipeline it started before has no say in its status."""
    instance = Instance(downstream=one_child)
    _, pipeline = started(bridge("child", strategy=Strategy.DEPEND), instance=instance)
    old = pipeline.jobs["child"].downstream
    assert old is not None
    actions.drop(old.jobs["unit"])
    settle(instance)
    actions.retry(pipeline.jobs["child"])
    settle(instance)
    new = pipeline.jobs["child"].downstream
    assert new is not None
    assert new is not old
    actions.retry(old.jobs["unit"])
    actions.succeed(old.jobs["unit"])
    settle(instance)
    assert (old.status, statuses(pipeline)) == (Status.SUCCESS, {"child": "running"})
    actions.succeed(new.jobs["unit"])
    settle(instance)
    assert pipeline.status is Status.SUCCESS


def test_child_inherits_what_its_parent_is_for() -> None:
    """A child pipeline is in the parent's project, for its ref and commit, and says where it comes from."""
    instance = Instance(downstream=one_child)
    parent = instance.create(spec(bridge("child")), project="group/app", ref="dev", sha="abc")
    settle(instance)
    child = parent.jobs["child"].downstream
    assert child is not None
    assert (child.project, child.ref, child.sha, child.source) == ("group/app", "dev", "abc", "parent_pipeline")
    assert (child.parent, bridges.depth(child)) == (parent, 1)


def test_other_projects_pipeline_is_no_child() -> None:
    """A multi-project pipeline has no parent, so that the limit on nesting does not count it."""
    instance = Instance(downstream=one_child)
    upstream = instance.create(spec(bridge("deliver", project="group/other", branch="main")), project="group/app")
    settle(instance)
    downstream = upstream.jobs["deliver"].downstream
    assert downstream is not None
    assert (downstream.project, downstream.source, downstream.parent) == ("group/other", "pipeline", None)
