"""All that GitLab does on its own once somebody changed something, until nothing moves any more.

Resources are handed on, failed jobs retried, downstream pipelines started and followed, pipelines processed.
"""

from __future__ import annotations

from mcci.simulation.status import bridges, failures
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import Status
from mcci.simulation.status.pipeline import Job


def settle(instance: Instance) -> None:
    """Let GitLab do what follows from the changes since the last call, to the end."""
    while instance.changes or instance.contended or instance.unprocessed:
        while instance.changes:
            _follow(instance, *instance.changes.popleft())
        if instance.contended:
            group = next(iter(instance.contended))
            del instance.contended[group]
            group.assign()
        elif instance.unprocessed:
            pipeline = next(iter(instance.unprocessed))
            del instance.unprocessed[pipeline]
            bridges.process_and_report(pipeline)


def _follow(instance: Instance, job: Job, old: Status, new: Status) -> None:
    instance.unprocessed[job.pipeline] = None
    if new is Status.SCHEDULED:
        job.due = instance.clock + (job.spec.start_in or 0.0)
        instance.scheduled[job] = None
    elif old is Status.SCHEDULED:
        job.due = None
        instance.scheduled.pop(job, None)
    group = instance.group_of(job)
    if group is not None:
        group.follow(job, old, new)
        instance.contended[group] = None
    if job.status is not new:
        return
    if new is Status.FAILED:
        failures.follow(instance, job)
    elif job.spec.trigger is not None and new is Status.PENDING:
        bridges.follow(instance, job, old)
