"""Random pipelines and random events: no state that GitLab could not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcci.simulation.status import actions
from mcci.simulation.status.composite import composite, kind
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import (
    ACTIVE,
    COMPLETED,
    JobSpec,
    Need,
    OnJobFailure,
    PipelineSpec,
    Retry,
    Status,
    Strategy,
    Trigger,
    When,
)
from mcci.simulation.status.pipeline import Job, Pipeline
from mcci.simulation.status.processing import process
from mcci.simulation.status.settling import settle
from tests.unit.status.reference import Reference

# A busy machine is no failure: time is not what these tests are about.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
STAGES = ("one", "two", "three")
HOLDS_RESOURCE = (Status.PREPARING, Status.PENDING, Status.RUNNING, Status.CANCELING)
WHENS = [when for when in When if when is not When.NEVER]


@st.composite
def plain_specs(draw: st.DrawFn) -> PipelineSpec:
    """Draw a sound pipeline: a job needs only jobs drawn before it, in its own stage or an earlier one."""
    jobs: list[JobSpec] = []
    for index, stage in enumerate(sorted(draw(st.lists(st.integers(0, 2), min_size=1, max_size=9)))):
        needs = None
        if draw(st.booleans()):
            earlier = [job.name for job in jobs]
            needs = tuple(
                Need(job=name) for name in draw(st.sets(st.sampled_from(earlier)) if earlier else st.just([]))
            )
        when = draw(st.sampled_from(WHENS))
        jobs.append(
            JobSpec(
                name=f"job{index}",
                stage=STAGES[stage],
                when=when,
                allow_failure=draw(st.booleans()),
                needs=needs,
                start_in=10.0 if when is When.DELAYED else None,
            )
        )
    return PipelineSpec(stages=STAGES, jobs=tuple(jobs))


@st.composite
def specs(draw: st.DrawFn) -> PipelineSpec:
    """Draw a pipeline with everything else that a job may have."""
    plain = draw(plain_specs())
    jobs = tuple(replace(job, **draw(_extras(job))) for job in plain.jobs)
    return replace(plain, jobs=jobs, on_job_failure=draw(st.sampled_from(OnJobFailure)))


def _extras(job: JobSpec) -> st.SearchStrategy[dict[str, Any]]:
    if job.when is not When.DELAYED:
        triggers = st.fixed_dictionaries({"trigger": st.builds(Trigger, strategy=st.sampled_from(Strategy))})
    else:
        triggers = st.just({})
    others = st.fixed_dictionaries(
        {
            "resource_group": st.sampled_from([None, "a", "b"]),
            "retry": st.none() | st.builds(Retry, max=st.integers(0, 2)),
            "prepares": st.booleans(),
            "interruptible": st.booleans(),
            "allow_failure_exit_codes": st.sampled_from([frozenset(), frozenset({3})]),
        }
    )
    return st.one_of(others, others, triggers)


EVENTS = (
    "run",
    "succeed",
    "drop",
    "cancel",
    "play",
    "retry",
    "prepared",
    "unschedule",
    "force",
    "wait",
    "all-",
    "all+",
)
moves = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 8), st.integers(1, 3)), max_size=25)


def act(instance: Instance, pipeline: Pipeline, event: str, job: Job, number: int) -> None:
    """Let one event happen, whether GitLab lets it or not."""
    match event:
        case "run":
            actions.run(job)
        case "succeed":
            actions.succeed(job)
        case "drop":
            actions.drop(job, exit_code=number)
        case "cancel":
            actions.cancel(instance, job)
        case "play":
            actions.play(job)
        case "retry":
            actions.retry(job)
        case "prepared":
            actions.prepared(job)
        case "unschedule":
            actions.unschedule(job)
        case "force":
            actions.force_cancel(job)
        case "wait":
            actions.pass_time(instance, number * 5.0)
        case "all-":
            actions.cancel_pipeline(instance, pipeline)
        case _:
            actions.retry_pipeline(pipeline)
    settle(instance)


def kinds(jobs: list[Job]) -> int:
    return sum({1 << kind(job.status, job.allow_failure) for job in jobs})


def check(pipeline: Pipeline) -> None:
    """Assert what holds of every pipeline at rest."""
    jobs = list(pipeline.jobs.values())
    assert pipeline.tally.kinds == kinds(jobs)
    for stage in pipeline.stages:
        of_stage = composite(kinds([job for job in jobs if job.stage is stage]))
        assert of_stage is Status.CREATED or stage.status is of_stage
    whole = composite(kinds(jobs))
    assert pipeline.status is whole or (whole is Status.PENDING and pipeline.status is Status.RUNNING)
    if pipeline.status in COMPLETED:
        assert not [job for job in jobs if job.status in ACTIVE]
    if pipeline.status is Status.SUCCESS:
        assert not [job for job in jobs if job.status is Status.FAILED and not job.allow_failure]
    for group in {job.spec.resource_group for job in jobs} - {None}:
        members = [job for job in jobs if job.spec.resource_group == group]
        holders = [job for job in members if job.status in HOLDS_RESOURCE]
        waiting = [job for job in members if job.status is Status.WAITING_FOR_RESOURCE]
        assert len(holders) <= 1
        assert holders or not waiting
    for job in jobs:
        assert (job.due is not None) == (job.status is Status.SCHEDULED)


@unhurried
@given(specs(), moves, st.booleans())
def test_no_event_leads_to_an_impossible_state(
    spec: PipelineSpec, events: list[tuple[str, int, int]], gracefully: bool
) -> None:
    """Whatever happens: statuses follow from the jobs', a finished pipeline has no open job, a resource one holder."""
    instance = Instance(cancels_gracefully=gracefully)
    pipeline = instance.create(spec)
    settle(instance)
    check(pipeline)
    for event, index, number in events:
        act(instance, pipeline, event, list(pipeline.jobs.values())[index % len(pipeline.jobs)], number)
        check(pipeline)
        before = [job.status for job in pipeline.jobs.values()], pipeline.status
        process(pipeline)
        assert ([job.status for job in pipeline.jobs.values()], pipeline.status) == before


@unhurried
@given(specs())
def test_every_pipeline_comes_to_an_end(spec: PipelineSpec) -> None:
    """If every job that can run does, and succeeds, the pipeline ends: nothing waits for ever."""
    instance = Instance()
    pipeline = instance.create(spec)
    settle(instance)
    for _ in range(3 * len(pipeline.jobs) + 3):
        for job in pipeline.jobs.values():
            actions.prepared(job)
            if job.status is Status.MANUAL:
                actions.play(job)
            elif job.status in (Status.PENDING, Status.RUNNING):
                actions.succeed(job)
        actions.pass_time(instance, 10)
        settle(instance)
    assert pipeline.status in (Status.SUCCESS, Status.SKIPPED)
    assert all(job.status in (Status.SUCCESS, Status.SKIPPED) for job in pipeline.jobs.values())


PLAIN_EVENTS = ("run", "succeed", "drop", "cancel", "play", "retry")
plain_moves = st.lists(st.tuples(st.sampled_from(PLAIN_EVENTS), st.integers(0, 8)), max_size=25)


@unhurried
@given(plain_specs(), plain_moves)
def test_engine_agrees_with_the_plain_reference(spec: PipelineSpec, events: list[tuple[str, int]]) -> None:
    """Looking only at what an event changes gives the same statuses as looking at everything again."""
    instance = Instance()
    pipeline = instance.create(spec)
    settle(instance)
    reference = Reference(spec)
    for event, index in events:
        job = list(pipeline.jobs.values())[index % len(pipeline.jobs)]
        act(instance, pipeline, event, job, 1)
        act_on_reference(reference, event, spec.jobs[index % len(spec.jobs)])
        assert {name: job.status.value for name, job in pipeline.jobs.items()} == reference.statuses
        whole = reference.pipeline_status()
        assert pipeline.status.value == whole or (whole == "pending" and pipeline.status is Status.RUNNING)


def act_on_reference(reference: Reference, event: str, job: JobSpec) -> None:
    status = reference.statuses[job.name]
    action = job.when in (When.MANUAL, When.DELAYED)
    over = status in ("success", "failed", "canceled")
    match event:
        case "run" if status == "pending":
            reference.statuses[job.name] = "running"
        case "succeed" if status in ("created", "pending", "running"):
            reference.statuses[job.name] = "success"
        case "drop" if status in ("created", "pending", "running", "manual", "scheduled"):
            reference.statuses[job.name] = "failed"
        case "cancel" if not over and status != "skipped":
            reference.statuses[job.name] = "canceled"
        case "play" if action and status in ("manual", "scheduled"):
            reference.statuses[job.name] = "pending"
            reference.reset_behind(job.name)
        case "play" | "retry" if over and (action or event == "retry"):
            reference.statuses[job.name] = "created"
            if action:
                reference.immediately.add(job.name)
            reference.process()
            reference.reset_behind(job.name)
    reference.process()
