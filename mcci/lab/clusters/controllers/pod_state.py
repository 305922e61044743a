"""What a controller reads from a pod: does it count, is it ready, is it available, has it ended. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mcci.lab.clusters.controllers import conditions

Object = dict[str, Any]


def has_ended(pod: Object) -> bool:
    """Say whether all its containers have ended for good."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Say whether it counts for who controls it."""
    return not has_ended(pod) and "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Object) -> bool:
    """Say whether it may have traffic."""
    return conditions.is_true(pod, "Ready")


def available_at(pod: Object, min_ready_seconds: int) -> datetime | None:
    """Return when it has been ready for so long; None where it is not ready."""
    if not is_ready(pod):
        return None
    since = conditions.find(pod, "Ready") or {}
    return conditions.parse(since["lastTransitionTime"]) + timedelta(seconds=min_ready_seconds)
