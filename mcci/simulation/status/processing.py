"""GitLab's pipeline processing: which of the created jobs go on, wait for a person, or are skipped.

Stages in their order, jobs in the order of their needs, so that one pass comes to the end. A job without `needs` looks
at all earlier stages together, one with `needs` at these alone; it is looked at once they are completed.
https://docs.gitlab.com/ci/jobs/job_rules/ and https://docs.gitlab.com/ci/yaml/#when; GitLab's
`Ci::PipelineProcessing::AtomicProcessingService` and `Ci::ProcessBuildService`.
"""

from __future__ import annotations

from heapq import heappop

from mcci.simulation.status.composite import composite, kind
from mcci.simulation.status.model import COMPLETED, Status, When
from mcci.simulation.status.pipeline import Job, Pipeline, Stage

_GOES_ON_AFTER = {
    (When.ON_SUCCESS, False): frozenset({Status.SUCCESS, Status.SKIPPED}),
    (When.ON_SUCCESS, True): frozenset({Status.SUCCESS}),
    (When.ON_FAILURE, False): frozenset({Status.FAILED}),
    (When.ON_FAILURE, True): frozenset({Status.FAILED}),
    (When.ALWAYS, False): frozenset({Status.SUCCESS, Status.FAILED, Status.SKIPPED}),
    (When.ALWAYS, True): frozenset({Status.SUCCESS, Status.FAILED, Status.SKIPPED}),
    (When.NEVER, False): frozenset[Status](),
    (When.NEVER, True): frozenset[Status](),
}
for _when in (When.MANUAL, When.DELAYED):
    for _dag in (False, True):
        _GOES_ON_AFTER[_when, _dag] = _GOES_ON_AFTER[When.ON_SUCCESS, _dag]

# A pipeline that was over runs again; nothing makes a running one pending.
_PENDING_AFTER = {
    Status.SUCCESS: Status.RUNNING,
    Status.FAILED: Status.RUNNING,
    Status.CANCELING: Status.RUNNING,
    Status.CANCELED: Status.RUNNING,
    Status.RUNNING: Status.RUNNING,
}


def process(pipeline: Pipeline) -> None:
    """Bring the pipeline's jobs, its stages' statuses and its own up to date."""
    earlier = 0
    for stage in pipeline.stages:
        if stage.waiting:
            status = composite(earlier)
            if status in COMPLETED:
                for job in list(stage.waiting):
                    _decide(job, status)
        if stage.ready:
            _process_needs(stage)
        if stage.changed:
            _update_stage(stage)
        earlier |= stage.tally.kinds
    _update(pipeline)


def enqueue(job: Job) -> None:
    """Send the job on its way to a runner: to its resource group or GitLab's own preparations first, if it has them."""
    if job.spec.resource_group is not None:
        job.pipeline.change(job, Status.WAITING_FOR_RESOURCE)
    else:
        enqueue_with_resource(job)


def enqueue_with_resource(job: Job) -> None:
    """The same for a job that holds its resource, or needs none."""
    prepares = job.spec.prepares and job.spec.trigger is None
    job.pipeline.change(job, Status.PREPARING if prepares else Status.PENDING)


def is_action(job: Job) -> bool:
    """Return whether a person (or time) starts the job rather than the pipeline."""
    return job.spec.when is When.MANUAL or (job.spec.when is When.DELAYED and job.spec.trigger is None)


def _process_needs(stage: Stage) -> None:
    while stage.ready:
        _, _, job = heappop(stage.ready)
        if job.status is not Status.CREATED:
            continue
        kinds = 0
        for needed in job.blocked_by:
            kinds |= 1 << kind(needed.status, needed.allow_failure)
        status = composite(kinds, needed=True)
        if status in COMPLETED:
            _decide(job, status)


def _decide(job: Job, before: Status) -> None:
    """Act on a created job once `before`, the status of all that it waits for, is final."""
    spec = job.spec
    if before not in _GOES_ON_AFTER[spec.when, spec.needs is not None]:
        job.pipeline.change(job, Status.SKIPPED)
    elif job.immediately or not is_action(job):
        enqueue(job)
    elif spec.when is When.DELAYED and spec.start_in is not None:
        job.pipeline.change(job, Status.SCHEDULED)
    else:
        job.pipeline.change(job, Status.MANUAL)


def _update_stage(stage: Stage) -> None:
    """Give the stage its jobs' composite status. GitLab leaves it as it was when that is `created`."""
    stage.changed = False
    status = composite(stage.tally.kinds)
    if status is not Status.CREATED:
        stage.status = status


def _update(pipeline: Pipeline) -> None:
    before = pipeline.status
    status = composite(pipeline.tally.kinds)
    if status is Status.PENDING:
        status = _PENDING_AFTER.get(before, Status.PENDING)
    if status is Status.CREATED or (status is Status.CANCELING and before is Status.CANCELED):
        return
    pipeline.status = status
