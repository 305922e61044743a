"""How far a simulated pipeline gets: the statuses once all that runs by itself has run, and people pressed jobs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from mcci.simulation.pipelines import Pipeline
from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import Status
from mcci.simulation.status.pipeline import Job
from mcci.simulation.status.pipeline import Pipeline as Running
from mcci.simulation.status.planned import downstream, pipeline_spec
from mcci.simulation.status.settling import settle

_WEEK = 7 * 24 * 3600


def at_start(pipeline: Pipeline) -> dict[tuple[str, str], str]:
    """Return the statuses as the pipelines have just begun, by drawing frame (`p1` the first) and job."""
    _, first = _started(pipeline)
    return _statuses(pipeline, first)


def when_played(
    pipeline: Pipeline, played: Sequence[str] = (), failing: Collection[str] = ()
) -> dict[tuple[str, str], str]:
    """Return the statuses once nothing more happens by itself.

    Jobs succeed, those in `failing` fail; the manual jobs in `played` are pressed, in that order, when all else waits.
    """
    instance, first = _started(pipeline)
    waiting = list(played)
    while True:
        _run_all(instance, failing)
        pressed = next((job for name in waiting for job in _jobs(instance) if _is_manual(job, name)), None)
        if pressed is None:
            return _statuses(pipeline, first)
        waiting.remove(pressed.name)
        actions.play(pressed)
        settle(instance)


def _started(pipeline: Pipeline) -> tuple[Instance, Running]:
    instance = Instance(downstream=downstream)
    event = pipeline.event
    first = instance.create(pipeline_spec(pipeline), project=pipeline.project, ref=event.ref, source=event.source.value)
    settle(instance)
    return instance, first


def _run_all(instance: Instance, failing: Collection[str]) -> None:
    while True:
        ready = [job for job in _jobs(instance) if job.status in (Status.PENDING, Status.RUNNING) and not _follows(job)]
        for job in ready:
            actions.run(job)
            if job.name in failing:
                actions.drop(job)
            else:
                actions.succeed(job)
            settle(instance)
        if ready:
            continue
        if not instance.scheduled:
            return
        actions.pass_time(instance, _WEEK)
        settle(instance)


def _follows(job: Job) -> bool:
    """Return whether a trigger job gets its status from the pipeline it started."""
    return job.spec.trigger is not None and job.downstream is not None


def _jobs(instance: Instance) -> Iterator[Job]:
    for running in instance.pipelines:
        yield from running.jobs.values()


def _is_manual(job: Job, name: str) -> bool:
    return job.name == name and job.status is Status.MANUAL


def _statuses(pipeline: Pipeline, first: Running) -> dict[tuple[str, str], str]:
    """Return the statuses in the order in which a drawing numbers its frames; a pipeline not started has `created`."""
    found: dict[tuple[str, str], str] = {}
    waiting: list[tuple[Pipeline, Running | None]] = [(pipeline, first)]
    number = 0
    while waiting:
        planned, running = waiting.pop(0)
        number += 1
        for one in planned.jobs:
            job = None if running is None else running.jobs.get(one.name)
            found[f"p{number}", one.name] = "created" if job is None else job.status.value
            if one.child is not None:
                waiting.append((one.child, None if job is None else job.downstream))
    return found
