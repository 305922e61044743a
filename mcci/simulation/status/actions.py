"""What runners and people do to jobs and pipelines.

Each action returns whether GitLab lets it happen; if not, nothing changed. Call `settling.settle` afterwards (once, for
things that happen together): only then later jobs and the pipelines' statuses follow.
https://docs.gitlab.com/ci/jobs/ and https://docs.gitlab.com/ci/jobs/job_control/; GitLab's `CommitStatus` states.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcci.simulation.status import bridges
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import CANCELABLE, Status
from mcci.simulation.status.pipeline import Job, Pipeline
from mcci.simulation.status.processing import enqueue as _enqueue
from mcci.simulation.status.processing import is_action

_RETRYABLE = frozenset({Status.SUCCESS, Status.FAILED, Status.CANCELED, Status.CANCELING})
_BEFORE_THE_END = frozenset(
    {Status.CREATED, Status.WAITING_FOR_RESOURCE, Status.PREPARING, Status.PENDING, Status.RUNNING}
)
_DROPPABLE = _BEFORE_THE_END | {Status.MANUAL, Status.SCHEDULED}


def enqueue(job: Job) -> bool:
    """Send the job to the runners' queue now, without a look at what it waits for."""
    if job.status not in (Status.CREATED, Status.SKIPPED, Status.MANUAL, Status.SCHEDULED):
        return False
    _enqueue(job)
    return True


def prepared(job: Job) -> bool:
    """GitLab's own preparations (a namespace in the cluster) are done."""
    return _change_from(job, Status.PREPARING, Status.PENDING)


def run(job: Job) -> bool:
    """A runner takes the job."""
    return _change_from(job, Status.PENDING, Status.RUNNING)


def succeed(job: Job) -> bool:
    """A runner says that the job succeeded. A canceling job is canceled then."""
    if job.status is Status.CANCELING:
        job.pipeline.change(job, Status.CANCELED)
    elif job.status in _BEFORE_THE_END:
        job.pipeline.change(job, Status.SUCCESS)
    else:
        return False
    return True


def drop(job: Job, *, exit_code: int | None = None, reason: str = "script_failure") -> bool:
    """The job failed: with an exit code of its script, or for another of GitLab's failure reasons."""
    if job.status is Status.CANCELING:
        job.pipeline.change(job, Status.CANCELED)
        return True
    if job.status not in _DROPPABLE:
        return False
    job.exit_code = exit_code
    job.failure_reason = reason
    if exit_code in job.spec.allow_failure_exit_codes:
        job.pipeline.allow_failure(job, True)
    job.pipeline.change(job, Status.FAILED)
    return True


def cancel(instance: Instance, job: Job) -> bool:
    """A person cancels the job; a running one may first finish its `after_script`."""
    if job.status not in CANCELABLE and job.status is not Status.MANUAL:
        return False
    graceful = instance.cancels_gracefully and job.spec.trigger is None
    canceling = graceful and job.status is Status.RUNNING
    job.pipeline.change(job, Status.CANCELING if canceling else Status.CANCELED)
    return True


def force_cancel(job: Job) -> bool:
    """A person does not wait for a canceling job."""
    return _change_from(job, Status.CANCELING, Status.CANCELED)


def unschedule(job: Job) -> bool:
    """A person stops the timer of a delayed job, which becomes a manual one."""
    return _change_from(job, Status.SCHEDULED, Status.MANUAL)


def play(job: Job) -> bool:
    """A person starts a manual job, or a delayed one before its time; one that is over is retried.

    What was skipped behind the job gets another chance.
    """
    if not is_action(job):
        return False
    if job.status not in (Status.MANUAL, Status.SCHEDULED):
        return job.spec.trigger is None and retry(job)
    _enqueue(job)
    _reset_skipped(job.pipeline, [job])
    return True


def play_stage(pipeline: Pipeline, stage: str) -> bool:
    """A person starts all manual jobs of a stage."""
    jobs = [job for job in pipeline.jobs.values() if job.stage.name == stage and job.status is Status.MANUAL]
    return sum(play(job) for job in jobs) > 0


def retry(job: Job) -> bool:
    """A new attempt of a job that is over takes its place; what was skipped behind it gets another chance."""
    if not is_retryable(job):
        return False
    _clone(job)
    job.immediately = is_action(job)
    bridges.process_and_report(job.pipeline)
    if job.status is not Status.FAILED:
        _reset_skipped(job.pipeline, [job])
    return True


def is_retryable(job: Job) -> bool:
    """Return whether a person may retry the job as it is now."""
    if job.status is Status.FAILED and job.failure_reason == "reached_max_descendant_pipelines_depth":
        return False
    return job.status in _RETRYABLE


def retry_pipeline(pipeline: Pipeline) -> bool:
    """A person retries the pipeline: new attempts of failed and canceled jobs, and skipped jobs are looked at again.

    A manual job that failed is manual again. Trigger jobs are only retried one by one.
    """
    for job in pipeline.jobs.values():
        if job.status in (Status.FAILED, Status.CANCELED) and job.spec.trigger is None:
            _clone(job)
    for job in pipeline.jobs.values():
        if job.status is Status.SKIPPED:
            pipeline.change(job, Status.CREATED)
    _reset_bridge(pipeline)
    return True


def cancel_pipeline(instance: Instance, pipeline: Pipeline) -> bool:
    """Cancel all that may yet run in a pipeline and in its child pipelines.

    Manual jobs stay as they are, and so do other projects' pipelines.
    """
    jobs = [job for job in pipeline.jobs.values() if job.status in CANCELABLE]
    for job in jobs:
        cancel(instance, job)
    if jobs:
        for child in instance.pipelines:
            if child.parent is pipeline:
                cancel_pipeline(instance, child)
    return bool(jobs)


def pass_time(instance: Instance, seconds: float) -> None:
    """Let time go by: delayed jobs whose time has come are enqueued."""
    instance.clock += seconds
    for job in list(instance.scheduled):
        if job.status is Status.SCHEDULED and job.due is not None and job.due <= instance.clock:
            _enqueue(job)


def _change_from(job: Job, old: Status, new: Status) -> bool:
    if job.status is not old:
        return False
    job.pipeline.change(job, new)
    return True


def _clone(job: Job) -> None:
    job.attempt += 1
    job.exit_code = job.failure_reason = job.downstream = None
    job.immediately = False
    job.pipeline.allow_failure(job, job.spec.allow_failure)
    job.pipeline.change(job, Status.CREATED)


def _reset_skipped(pipeline: Pipeline, jobs: Iterable[Job]) -> None:
    """Create again what was skipped in later stages, or needs one of the jobs, however indirectly."""
    behind = list(jobs)
    first = min(job.stage.index for job in behind)
    seen = set(behind)
    while behind:
        for dependent in behind.pop().dependents:
            if dependent not in seen:
                seen.add(dependent)
                behind.append(dependent)
    for job in pipeline.jobs.values():
        if job.status is Status.SKIPPED and (job.stage.index > first or job in seen):
            pipeline.change(job, Status.CREATED)
    _reset_bridge(pipeline)


def _reset_bridge(pipeline: Pipeline) -> None:
    """Let the trigger job that follows this pipeline wait again, and all above it."""
    if bridges.awaits(pipeline):
        bridge = pipeline.bridge
        assert bridge is not None
        bridge.pipeline.change(bridge, Status.PENDING)
        _reset_skipped(bridge.pipeline, [bridge])
