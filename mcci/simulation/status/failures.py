"""What GitLab does on its own when a job fails: try it again (`retry`), or cancel the pipeline (`auto_cancel`).

https://docs.gitlab.com/ci/yaml/#retry and https://docs.gitlab.com/ci/yaml/#workflowauto_cancelon_job_failure.
"""

from __future__ import annotations

from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import OnJobFailure, Status
from mcci.simulation.status.pipeline import Job

# Failures that no retry can mend, and one that GitLab retries without being asked.
_NEVER_RETRIED = frozenset(
    {
        "ci_quota_exceeded",
        "no_matching_runner",
        "missing_dependency_failure",
        "forward_deployment_failure",
        "environment_creation_failure",
    }
)
_RETRIED_UNASKED = {"scheduler_failure": 2}


def follow(instance: Instance, job: Job) -> None:
    """Act on a job that has just failed."""
    if retries(job):
        actions.retry(job)
    elif not job.allow_failure and job.pipeline.spec.on_job_failure is OnJobFailure.ALL:
        actions.cancel_pipeline(instance, job.pipeline)


def retries(job: Job) -> bool:
    """Return whether GitLab starts the failed job again by itself. Trigger jobs never are."""
    if job.spec.trigger is not None or job.status is not Status.FAILED:
        return False
    return job.attempt < _allowed(job)


def _allowed(job: Job) -> int:
    reason = job.failure_reason or "script_failure"
    if reason in _NEVER_RETRIED:
        return 0
    retry = job.spec.retry
    if retry is None:
        return _RETRIED_UNASKED.get(reason, 0)
    reasons = retry.when or (frozenset[str]() if retry.exit_codes else frozenset({"always"}))
    if "always" in reasons or reason in reasons or job.exit_code in retry.exit_codes:
        return retry.max
    return _RETRIED_UNASKED.get(reason, 0)
