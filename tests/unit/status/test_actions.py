"""What GitLab lets happen to a job, and what it refuses."""

from __future__ import annotations

import pytest

from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import Status
from mcci.simulation.status.pipeline import Job
from mcci.simulation.status.settling import settle
from tests.unit.status.specs import job, started, statuses

ALL = set(Status)
FINISHED = {Status.SUCCESS, Status.FAILED, Status.CANCELED}


def attempt(action: str, status: Status, *, when: str = "on_success") -> bool:
    """Return whether GitLab lets the action happen to a job that has this status."""
    instance = Instance()
    pipeline = instance.create(started(job("one", when=when))[1].spec)
    one = pipeline.jobs["one"]
    pipeline.change(one, status)
    return {
        "enqueue": lambda: actions.enqueue(one),
        "run": lambda: actions.run(one),
        "succeed": lambda: actions.succeed(one),
        "drop": lambda: actions.drop(one),
        "cancel": lambda: actions.cancel(instance, one),
        "force_cancel": lambda: actions.force_cancel(one),
        "retry": lambda: actions.retry(one),
        "play": lambda: actions.play(one),
        "prepared": lambda: actions.prepared(one),
        "unschedule": lambda: actions.unschedule(one),
    }[action]()


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("enqueue", {Status.CREATED, Status.SKIPPED, Status.MANUAL, Status.SCHEDULED}),
        ("run", {Status.PENDING}),
        ("succeed", ALL - FINISHED - {Status.SKIPPED, Status.MANUAL, Status.SCHEDULED}),
        ("drop", ALL - FINISHED - {Status.SKIPPED}),
        ("cancel", ALL - FINISHED - {Status.SKIPPED, Status.CANCELING}),
        ("force_cancel", {Status.CANCELING}),
        ("retry", FINISHED | {Status.CANCELING}),
        ("play", set()),
        ("prepared", {Status.PREPARING}),
        ("unschedule", {Status.SCHEDULED}),
    ],
)
def test_action_needs_a_fitting_status(action: str, allowed: set[Status]) -> None:
    """Each action is possible in certain statuses, and refused in all others."""
    assert {status for status in Status if attempt(action, status)} == allowed


def test_playing_needs_a_manual_job_that_is_up_or_over() -> None:
    """A manual job can be played while it waits for a person, and again once it is over."""
    allowed = {status for status in Status if attempt("play", status, when="manual")}
    assert allowed == FINISHED | {Status.MANUAL, Status.SCHEDULED, Status.CANCELING}


def test_a_refused_action_changes_nothing() -> None:
    """What GitLab refuses leaves no trace, even after settling."""
    instance, pipeline = started(job("one"), job("two", "deploy"))
    before = statuses(pipeline)
    assert not actions.retry(pipeline.jobs["two"])
    assert not actions.run(pipeline.jobs["two"])
    settle(instance)
    assert statuses(pipeline) == before


def test_a_canceling_job_is_canceled_whatever_the_runner_says() -> None:
    """The runner's report on a job that is being canceled does not count as its result."""
    for report in (actions.succeed, actions.drop):
        instance, pipeline = started(job("one"), instance=Instance(cancels_gracefully=True))
        one = pipeline.jobs["one"]
        actions.run(one)
        actions.cancel(instance, one)
        assert one.status is Status.CANCELING
        assert report(one)
        settle(instance)
        assert pipeline.status is Status.CANCELED


def test_retry_counts_attempts_and_forgets_the_failure() -> None:
    """A new attempt has no exit code and no reason, and an allowed exit code no longer excuses it."""
    instance, pipeline = started(job("one", allow_failure_exit_codes=frozenset({3})))
    one = pipeline.jobs["one"]
    actions.drop(one, exit_code=3)
    settle(instance)
    assert (one.allow_failure, pipeline.status) == (True, Status.SUCCESS)
    actions.retry(one)
    settle(instance)
    assert (one.attempt, one.exit_code, one.failure_reason, one.allow_failure) == (1, None, None, False)
    actions.drop(one, exit_code=4)
    settle(instance)
    assert pipeline.status is Status.FAILED


def test_preparing_comes_before_pending() -> None:
    """A job for which GitLab prepares something is preparing until that is done."""
    instance, pipeline = started(job("one", prepares=True))
    assert (pipeline.status, statuses(pipeline)) == (Status.PREPARING, {"one": "preparing"})
    assert actions.prepared(pipeline.jobs["one"])
    settle(instance)
    assert pipeline.status is Status.PENDING


def test_resource_comes_before_preparing() -> None:
    """A job in a resource group is prepared once it holds the resource."""
    instance, pipeline = started(job("one", resource_group="r"), job("two", resource_group="r", prepares=True))
    assert statuses(pipeline) == {"one": "pending", "two": "waiting_for_resource"}
    actions.succeed(pipeline.jobs["one"])
    settle(instance)
    assert statuses(pipeline) == {"one": "success", "two": "preparing"}


def test_play_stage_plays_its_manual_jobs_only() -> None:
    """Playing a stage starts its manual jobs and no other stage's."""
    instance, pipeline = started(
        job("one", when="manual"), job("two"), job("three", when="manual"), job("four", "deploy", when="manual")
    )
    assert actions.play_stage(pipeline, "test")
    settle(instance)
    assert statuses(pipeline) == {"one": "pending", "two": "pending", "three": "pending", "four": "created"}
    assert not actions.play_stage(pipeline, "test")


def test_jobs_and_pipelines_are_named_in_logs() -> None:
    """A job's repr says which one it is and how it stands."""
    one: Job = started(job("one"))[1].jobs["one"]
    assert repr(one) == "<Job 1/one pending>"
