"""Redundant pipelines: a new commit's pipeline cancels the older ones of its branch (`workflow:auto_cancel`).

https://docs.gitlab.com/ci/yaml/#workflowauto_cancelon_new_commit; GitLab's `CancelRedundantPipelinesService`. A project
can switch this off in its settings: then do not call it.
"""

from __future__ import annotations

from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import CANCELABLE, OnNewCommit, Status
from mcci.simulation.status.pipeline import Pipeline

_STARTED = frozenset({Status.RUNNING, Status.SUCCESS, Status.FAILED})


def cancel_redundant(instance: Instance, newer: Pipeline) -> None:
    """Cancel what a new pipeline makes redundant: older ones of its branch for another commit, and their children."""
    if newer.parent is not None:
        return
    for pipeline in instance.pipelines:
        if _is_redundant(pipeline, newer):
            match pipeline.spec.on_new_commit:
                case OnNewCommit.CONSERVATIVE if not _started_what_may_not_stop(pipeline):
                    _cancel(instance, pipeline, interruptible_only=False)
                case OnNewCommit.INTERRUPTIBLE:
                    _cancel(instance, pipeline, interruptible_only=True)


def _is_redundant(pipeline: Pipeline, newer: Pipeline) -> bool:
    return (
        pipeline is not newer
        and pipeline.id < newer.id
        and pipeline.project == newer.project
        and pipeline.ref == newer.ref
        and pipeline.sha != newer.sha
        and pipeline.status in CANCELABLE
    )


def _started_what_may_not_stop(pipeline: Pipeline) -> bool:
    """Return whether a job that is not interruptible has started. GitLab does not count trigger jobs."""
    return any(
        job.status in _STARTED and not job.spec.interruptible and job.spec.trigger is None
        for job in pipeline.jobs.values()
    )


def _cancel(instance: Instance, pipeline: Pipeline, *, interruptible_only: bool) -> None:
    for job in pipeline.jobs.values():
        if job.status in CANCELABLE and (job.spec.interruptible or not interruptible_only):
            actions.cancel(instance, job)
