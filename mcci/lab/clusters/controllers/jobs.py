"""Jobs: pods until enough have succeeded, or too many have failed, or the time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import conditions, pod_state
from mcci.lab.clusters.controllers.context import controlled, is_deleted
from mcci.lab.clusters.controllers.replica_sets import make_pods
from mcci.lab.clusters.resources import JOBS, PODS
from mcci.lab.clusters.store import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
Objects = list[Object]
RESOURCE = JOBS
OWNS: tuple[Resource, ...] = (PODS,)
COMPONENT = "job-controller"
BACK_OFF = 10.0  # seconds until a failed pod is followed by another one, doubled each time
LONGEST = 600.0


def reconcile(context: Context, job: Object) -> float | None:
    """Make the pods that are missing, end the Job where it is decided, and write the status."""
    if is_deleted(job):
        return None
    if _finished(job):
        return _forget(context, job)
    now = context.now()
    pods = controlled(context.store.list(PODS, job["metadata"]["namespace"]), job)
    succeeded = [pod for pod in pods if pod["status"].get("phase") == "Succeeded"]
    failed = [pod for pod in pods if pod["status"].get("phase") == "Failed"]
    active = [pod for pod in pods if pod_state.is_active(pod)]
    reason, message = _verdict(job, failed, active, now)
    wait: float | None = None
    if reason or job["spec"].get("suspend"):
        for pod in active:
            context.store.delete(PODS, pod["metadata"]["name"], job["metadata"]["namespace"])
        active = []
    elif len(succeeded) < _completions(job):
        wait = _add(context, job, succeeded, failed, active, now)
        pods = controlled(context.store.list(PODS, job["metadata"]["namespace"]), job)
        active = [pod for pod in pods if pod_state.is_active(pod)]
    else:
        reason, message = "Complete", ""
    _write(context, job, (succeeded, failed, active), reason, message, now)
    return _soonest(wait, _until_deadline(job, now))


def _completions(job: Object) -> int:
    return int(job["spec"].get("completions") or 1)


def _verdict(job: Object, failed: Objects, active: Objects, now: datetime) -> tuple[str, str]:
    """Return why the Job has failed; empty where it has not."""
    restarts = sum(
        each.get("restartCount", 0) for pod in active for each in pod["status"].get("containerStatuses") or ()
    )
    if len(failed) + restarts > int(job["spec"].get("backoffLimit", 6)):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    left = _until_deadline(job, now)
    if left is not None and left <= 0:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    return "", ""


def _until_deadline(job: Object, now: datetime) -> float | None:
    seconds = job["spec"].get("activeDeadlineSeconds")
    started = job.get("status", {}).get("startTime")
    if seconds is None:
        return None
    if started is None:
        return float(seconds)
    return (conditions.parse(started) + timedelta(seconds=seconds) - now).total_seconds()


def _add(
    context: Context, job: Object, succeeded: Objects, failed: Objects, active: Objects, now: datetime
) -> float | None:
    wanted = min(int(job["spec"].get("parallelism", 1)), _completions(job) - len(succeeded)) - len(active)
    if wanted <= 0:
        return None
    if failed:
        newest = max(_ended(pod) for pod in failed)
        pause = min(BACK_OFF * 2 ** (len(failed) - 1), LONGEST)
        left = (newest + timedelta(seconds=pause) - now).total_seconds()
        if left > 0:
            return left
    return 1.0 if make_pods(context, JOBS, job, wanted, COMPONENT) else None


def _ended(pod: Object) -> datetime:
    ends = [
        each["state"]["terminated"]["finishedAt"]
        for each in pod["status"].get("containerStatuses") or ()
        if "terminated" in each.get("state", {})
    ]
    return conditions.parse(max(ends, default=pod["metadata"]["creationTimestamp"]))


def _write(
    context: Context, job: Object, pods: tuple[Objects, Objects, Objects], reason: str, message: str, now: datetime
) -> None:
    succeeded, failed, active = pods

    def edit(body: Object) -> None:
        before = body.get("status", {})
        status = {
            "startTime": before.get("startTime") or timestamp(now),
            "active": len(active), "succeeded": len(succeeded), "failed": len(failed),
            "ready": sum(map(pod_state.is_ready, active)),
            "conditions": list(before.get("conditions") or ()),
        }  # fmt: skip
        if reason == "Complete":
            status["completionTime"] = timestamp(now)
            _conclude(
                status,
                "Complete",
                "SuccessCriteriaMet",
                "CompletionsReached",
                "Reached expected number of succeeded pods",
                now,
            )
        elif reason:
            _conclude(status, "Failed", "FailureTarget", reason, message, now)
        body["status"] = {key: value for key, value in status.items() if value not in (0, [])}
        if not reason:
            body["status"]["ready"] = status["ready"]

    metadata = job["metadata"]
    context.store.change(JOBS, metadata["name"], metadata["namespace"], edit)
    if reason == "Complete":
        context.event(JOBS, job, "Completed", "Job completed", component=COMPONENT)
    elif reason:
        context.event(JOBS, job, reason, message, component=COMPONENT, warning=True)


def _conclude(status: Object, kind: str, before: str, reason: str, message: str, now: datetime) -> None:
    for each in (before, kind):
        conditions.set_condition(status, each, True, reason, message, now)
        status["conditions"][-1]["lastProbeTime"] = timestamp(now)


def _finished(job: Object) -> bool:
    return conditions.is_true(job, "Complete") or conditions.is_true(job, "Failed")


def _forget(context: Context, job: Object) -> float | None:
    """Delete a Job that has ended, `spec.ttlSecondsAfterFinished` later."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    if ttl is None:
        return None
    ended = conditions.find(job, "Complete") or conditions.find(job, "Failed") or {}
    left = (conditions.parse(ended["lastTransitionTime"]) + timedelta(seconds=ttl) - context.now()).total_seconds()
    if left <= 0:
        context.store.delete(JOBS, job["metadata"]["name"], job["metadata"]["namespace"])
        return None
    return left


def _soonest(*waits: float | None) -> float | None:
    known = [wait for wait in waits if wait is not None]
    return min(known) + 0.02 if known else None
