"""A Deployment's status: counts of pods, and the conditions Available, Progressing and ReplicaFailure. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mcci.lab.clusters.controllers import conditions
from mcci.lab.clusters.controllers.rollout import bounds, wanted

Object = dict[str, Any]
Objects = list[Object]
DONE = "NewReplicaSetAvailable"
LATE = "ProgressDeadlineExceeded"


def status_of(deployment: Object, new: Object | None, old: Objects, now: datetime, fresh: str = "") -> Object:
    """Return the whole status.

    `new` is None while a paused Deployment has no ReplicaSet for its template yet; `fresh` is the reason where it got
    one just now: NewReplicaSetCreated or FoundNewReplicaSet.
    """
    before = deployment.get("status", {})
    status = _counts(deployment, new, old)
    status["conditions"] = [dict(each) for each in before.get("conditions") or ()]
    _available(deployment, status, now)
    _progressing(deployment, before, status, new, now, fresh)
    _failure(status, [*([new] if new else []), *old], now)
    return {key: value for key, value in status.items() if value not in (0, [])}


def deadline(deployment: Object) -> datetime | None:
    """Return when the rollout counts as failed unless it moves; None where it is done or has failed already."""
    seconds = deployment["spec"].get("progressDeadlineSeconds", 600)
    condition = conditions.find(deployment, "Progressing")
    if not condition or condition.get("reason") in (DONE, LATE) or deployment["spec"].get("paused"):
        return None
    return conditions.parse(condition["lastUpdateTime"]) + timedelta(seconds=seconds)


def _counts(deployment: Object, new: Object | None, old: Objects) -> Object:
    everything = [*([new] if new else []), *old]
    available = _sum(everything, "availableReplicas")
    return {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": _sum(everything, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(everything, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(sum(map(wanted, everything)) - available, 0),
    }


def _sum(replica_sets: Objects, field: str) -> int:
    return sum(each.get("status", {}).get(field, 0) for each in replica_sets)


def _available(deployment: Object, status: Object, now: datetime) -> None:
    enough = status["availableReplicas"] >= wanted(deployment) - bounds(deployment)[1]
    word, text = ("Available", "has") if enough else ("Unavailable", "does not have")
    message = f"Deployment {text} minimum availability."
    _set(status, "Available", enough, f"MinimumReplicas{word}", message, now)


def _progressing(
    deployment: Object, before: Object, status: Object, new: Object | None, now: datetime, fresh: str
) -> None:
    if deployment["spec"].get("paused"):
        _set(status, "Progressing", None, "DeploymentPaused", "Deployment is paused", now)
        return
    old = conditions.find({"status": status}, "Progressing")
    name = new["metadata"]["name"] if new else ""
    named = f'ReplicaSet "{name}"'
    if fresh or old is None:
        word = "Found" if fresh.startswith("Found") else "Created"
        message = f'{word} new replica set "{name}"'
        _set(status, "Progressing", True, fresh or "NewReplicaSetCreated", message, now, refresh=True)
        return
    if old.get("reason") == "DeploymentPaused":
        _set(status, "Progressing", None, "DeploymentResumed", "Deployment is resumed", now)
    if old.get("reason") == DONE and status["replicas"] == status["updatedReplicas"]:
        return  # pods that fail after a rollout are no failed rollout
    if _complete(deployment, status):
        _set(status, "Progressing", True, DONE, f"{named} has successfully progressed.", now)
    elif _moved(before, status):
        _set(status, "Progressing", True, "ReplicaSetUpdated", f"{named} is progressing.", now, refresh=True)
    elif (until := deadline({**deployment, "status": status})) and now >= until:
        _set(status, "Progressing", False, LATE, f"{named} has timed out progressing.", now)


def _complete(deployment: Object, status: Object) -> bool:
    desired = wanted(deployment)
    counts = (status["updatedReplicas"], status["replicas"], status["availableReplicas"])
    return counts == (desired, desired, desired)


def _moved(before: Object, status: Object) -> bool:
    def count(field: str, of: Object) -> int:
        return int(of.get(field, 0))

    more = any(
        count(field, status) > count(field, before)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    left = count("replicas", status) - count("updatedReplicas", status)
    return more or left < count("replicas", before) - count("updatedReplicas", before)


def _failure(status: Object, replica_sets: Objects, now: datetime) -> None:
    failed = next((found for each in replica_sets if (found := conditions.find(each, "ReplicaFailure"))), None)
    if failed:
        _set(status, "ReplicaFailure", True, failed.get("reason", ""), failed.get("message", ""), now)
    else:
        conditions.remove(status, "ReplicaFailure")


def _set(status: Object, kind: str, value: bool | None, reason: str, message: str, now: datetime, **more: bool) -> None:
    conditions.set_condition(
        status, kind, value, reason, message, now, updated="lastUpdateTime", refresh=more.get("refresh", False)
    )
