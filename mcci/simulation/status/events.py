"""A scenario's events, carried out on a pipeline's jobs as a runner or a person would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import Status
from mcci.simulation.status.pipeline import Job, Pipeline
from mcci.simulation.status.scenario_model import Event, Step

# An event without jobs means those that are ready for it: nobody finishes a job that no runner has.
_WITH_RUNNER = frozenset({Status.PENDING, Status.RUNNING, Status.CANCELING})
_READY = {
    Event.SUCCESS: _WITH_RUNNER,
    Event.DROP: _WITH_RUNNER,
    Event.RUN: frozenset({Status.PENDING}),
    Event.PLAY: frozenset({Status.MANUAL}),
    Event.ENQUEUE: frozenset({Status.MANUAL, Status.SCHEDULED}),
    Event.FORCE_CANCEL: frozenset({Status.CANCELING}),
    Event.UNSCHEDULE: frozenset({Status.SCHEDULED}),
    Event.PREPARED: frozenset({Status.PREPARING}),
}


def on_jobs(instance: Instance, jobs: Iterable[Job], step: Step) -> Iterator[str]:
    """Carry out the step's event on these jobs, and yield what GitLab refuses."""
    assert step.event is not None
    for job in jobs:
        before = job.status
        if not _act(instance, job, step):
            yield f"GitLab does not let '{step.event.value}' happen to '{job.name}', which is {before.value}"


def on_pipeline(instance: Instance, pipeline: Pipeline, step: Step) -> None:
    """Carry out the step's event on the whole pipeline, or on one of its stages if the step names one."""
    assert step.event is not None
    if step.event is Event.RETRY:
        actions.retry_pipeline(pipeline)
    elif step.event is Event.CANCEL:
        actions.cancel_pipeline(instance, pipeline)
    else:
        for job in list(pipeline.jobs.values()):
            if job.status in _READY[step.event] and (step.stage is None or job.stage.name == step.stage.name):
                _act(instance, job, step)


def _act(instance: Instance, job: Job, step: Step) -> bool:
    match step.event:
        case Event.SUCCESS:
            return actions.succeed(job)
        case Event.DROP:
            return actions.drop(job, exit_code=step.exit_code, reason=step.reason)
        case Event.RUN:
            return actions.run(job)
        case Event.PLAY:
            return actions.play(job)
        case Event.RETRY:
            return actions.retry(job)
        case Event.CANCEL:
            return actions.cancel(instance, job)
        case Event.ENQUEUE:
            return actions.enqueue(job)
        case Event.FORCE_CANCEL:
            return actions.force_cancel(job)
        case Event.UNSCHEDULE:
            return actions.unschedule(job)
        case _:
            return actions.prepared(job)
