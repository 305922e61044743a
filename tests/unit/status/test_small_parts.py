"""Durations, soundness, redundant pipelines, and the size of pipelines."""

from __future__ import annotations

import time

import pytest

from mcci.simulation.status import actions, failures
from mcci.simulation.status.durations import seconds
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import JobSpec, Need, PipelineSpec, Retry, Status
from mcci.simulation.status.settling import settle
from mcci.simulation.status.soundness import problems
from tests.unit.status.specs import job, spec, started


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 seconds", 5),
        ("5", 5),
        ("30 minutes", 1800),
        ("1 day", 86400),
        ("1 week", 604800),
        ("3h30m", 12600),
        ("1 hour and 15 mins", 4500),
        ("2 days, 4 hours", 187200),
        ("1.5 hours", 5400),
        ("1:30", 90),
        ("1:00:00", 3600),
        ("soon", None),
        ("", None),
        ("5 parsecs", None),
        ("5 minutes later", None),
    ],
)
def test_duration(text: str, expected: float | None) -> None:
    """Durations are read as GitLab reads them, and what is none is told apart."""
    assert seconds(text) == expected


def test_sound_pipeline_has_no_problem() -> None:
    """Needs of the same and of earlier stages are fine, an optional one may be absent."""
    optional = JobSpec(name="ship", stage="deploy", needs=(Need(job="gone", optional=True), Need(job="unit")))
    assert list(problems(spec(job("compile"), job("unit", needs=["compile"]), optional))) == []


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([job("a"), job("a")], "there are two jobs named 'a'"),
        ([job("a", needs=["b"])], "job 'a' needs 'b', which is not in the pipeline"),
        ([job("a", needs=["a"])], "the needs of job 'a' lead back to itself"),
        (
            [job("z", needs=["a"]), job("a", needs=["b"]), job("b", needs=["a"])],
            "the needs of job 'a' lead back to itself",
        ),
        ([job("a", needs=["b"]), job("b", "deploy")], "job 'a' needs 'b', which is in a later stage"),
    ],
)
def test_unsound_pipeline_is_told(jobs: list[JobSpec], expected: str) -> None:
    """What keeps GitLab from creating a pipeline is found before it is played."""
    assert expected in [message for _, message in problems(spec(*jobs))]


def test_unknown_stage_is_told() -> None:
    """A job of a stage that the pipeline does not have is found."""
    unsound = PipelineSpec(stages=("test",), jobs=(job("a", "deploy"),))
    assert [message for _, message in problems(unsound)] == [
        "job 'a' is in the stage 'deploy', which the pipeline does not have"
    ]


@pytest.mark.parametrize(
    ("reason", "retry", "expected"),
    [
        ("script_failure", Retry(max=1), True),
        ("script_failure", None, False),
        ("script_failure", Retry(max=2, when=frozenset({"always"})), True),
        ("script_failure", Retry(max=2, when=frozenset({"api_failure"})), False),
        ("scheduler_failure", None, True),
        ("scheduler_failure", Retry(max=0), False),
        ("ci_quota_exceeded", Retry(max=2), False),
        ("missing_dependency_failure", Retry(max=2), False),
    ],
)
def test_which_failures_are_retried(reason: str, retry: Retry | None, expected: bool) -> None:
    """Some failures are never retried, one always is, and for the rest the job's retry decides."""
    _, pipeline = started(job("one", retry=retry))
    one = pipeline.jobs["one"]
    actions.drop(one, reason=reason)
    assert failures.retries(one) is expected


SIZE = 10_000


def stages_of_100() -> PipelineSpec:
    return spec(*(job(f"j{index}", f"s{index // 100}") for index in range(SIZE)))


def chain() -> PipelineSpec:
    return spec(*(job(f"j{index}", needs=[f"j{index - 1}"] if index else []) for index in range(SIZE)))


def wide_needs() -> PipelineSpec:
    width = SIZE // 10
    jobs = [job(f"j{index}", "s0") for index in range(width)]
    for index in range(width, SIZE):
        stage = index // width
        jobs.append(job(f"j{index}", f"s{stage}", needs=[f"j{(stage - 1) * width + number}" for number in range(20)]))
    return spec(*jobs)


def one_resource() -> PipelineSpec:
    return spec(*(job(f"j{index}", resource_group="r") for index in range(SIZE)))


@pytest.mark.parametrize("make", [stages_of_100, chain, wide_needs, one_resource])
def test_ten_thousand_jobs(make: object) -> None:
    """10,000 jobs are created and then finished one by one, each with all that follows, in seconds at the most."""
    assert callable(make)
    large = make()
    before = time.process_time()
    instance = Instance()
    pipeline = instance.create(large)
    settle(instance)
    for one in list(pipeline.jobs.values()):
        actions.succeed(one)
        settle(instance)
    assert pipeline.status is Status.SUCCESS
    assert time.process_time() - before < 6


def test_one_failure_skips_ten_thousand_jobs() -> None:
    """A failure at the start of a long chain skips all of it, without recursion."""
    instance = Instance()
    pipeline = instance.create(chain())
    settle(instance)
    actions.drop(pipeline.jobs["j0"])
    settle(instance)
    assert pipeline.status is Status.FAILED
    assert pipeline.tally.counts.count(SIZE - 1) == 1
    actions.retry(pipeline.jobs["j0"])
    settle(instance)
    assert pipeline.jobs[f"j{SIZE - 1}"].status is Status.CREATED
