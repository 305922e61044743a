"""How a Deployment moves its pods from old ReplicaSets to the new one, a step at a time. Pure.

The rules and their order are those of Kubernetes' deployment controller.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mcci.lab.clusters.controllers.context import ALPHABET

Object = dict[str, Any]
Objects = list[Object]
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


def wanted(body: Object) -> int:
    """Return `spec.replicas`."""
    return int(body["spec"].get("replicas", 1))


def bounds(deployment: Object) -> tuple[int, int]:
    """Return maxSurge and maxUnavailable in pods: percents of the surge rounded up, of the other down, never both 0."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return 0, wanted(deployment)
    surge = _pods(rolling.get("maxSurge", "25%"), wanted(deployment), up=True)
    unavailable = _pods(rolling.get("maxUnavailable", "25%"), wanted(deployment), up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _pods(value: int | str, of: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    percent = int(value.rstrip("%"))
    return -(-of * percent // 100) if up else of * percent // 100


def template_hash(template: Object, collisions: int = 0) -> str:
    """Return the name's end of the ReplicaSet of a pod template: the same text for the same template."""
    text = json.dumps([template, collisions], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:10])


def same_template(replica_set: Object, deployment: Object) -> bool:
    """Say whether a ReplicaSet makes the pods that the Deployment asks for now."""
    template = json.loads(json.dumps(replica_set["spec"]["template"]))
    (template.get("metadata", {}).get("labels") or {}).pop(HASH_LABEL, None)
    return _plain(template) == _plain(deployment["spec"]["template"])


def _plain(template: Object) -> Object:
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value}
    return {"metadata": metadata, "spec": template.get("spec")}


def revision(body: Object) -> int:
    """Return the revision that an object's annotation tells; 0 where none does."""
    text = (body["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdecimal() else 0


def step(deployment: Object, new: Object, old: Objects) -> dict[str, int]:
    """Return the next ReplicaSets to scale, by name; empty where there is nothing to do now."""
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return _recreate(deployment, new, old)
    desired = wanted(deployment)
    surge, unavailable = bounds(deployment)
    total = sum(map(wanted, [new, *old]))
    if wanted(new) > desired:
        return {_name(new): desired}
    if wanted(new) < desired and total < desired + surge:
        return {_name(new): wanted(new) + min(desired + surge - total, desired - wanted(new))}
    return _shrink(new, old, least=desired - unavailable)


def _recreate(deployment: Object, new: Object, old: Objects) -> dict[str, int]:
    if any(map(wanted, old)):
        return {_name(each): 0 for each in old if wanted(each)}
    if any(each.get("status", {}).get("replicas", 0) for each in old) or wanted(new) == wanted(deployment):
        return {}
    return {_name(new): wanted(deployment)}


def _shrink(new: Object, old: Objects, *, least: int) -> dict[str, int]:
    """Return how the old ones get fewer: first pods that serve no one, then as many as may be missing."""
    total = sum(map(wanted, [new, *old]))
    spare = total - least - (wanted(new) - _available(new))
    left = {_name(each): wanted(each) for each in old if wanted(each)}
    if spare <= 0 or not left:
        return {}
    oldest_first = sorted(old, key=lambda each: (each["metadata"]["creationTimestamp"], _name(each)))
    for each in oldest_first:
        sick = min(spare, wanted(each) - min(_available(each), wanted(each)))
        if sick > 0:
            left[_name(each)] -= sick
            spare -= sick
    may_go = sum(map(_available, [new, *old])) - least
    for each in oldest_first:
        healthy = min(may_go, left.get(_name(each), 0))
        if healthy > 0:
            left[_name(each)] -= healthy
            may_go -= healthy
    return {_name(each): left[_name(each)] for each in old if _name(each) in left and left[_name(each)] < wanted(each)}


def forgotten(deployment: Object, old: Objects) -> list[str]:
    """Return the names of the old, empty ReplicaSets beyond `spec.revisionHistoryLimit`."""
    empty = [each for each in old if not wanted(each) and not each.get("status", {}).get("replicas", 0)]
    empty.sort(key=lambda each: (revision(each), each["metadata"]["creationTimestamp"]))
    extra = len(empty) - int(deployment["spec"].get("revisionHistoryLimit", 10))
    return [_name(each) for each in empty[: max(extra, 0)]]


def _available(replica_set: Object) -> int:
    return int(replica_set.get("status", {}).get("availableReplicas", 0))


def _name(body: Object) -> str:
    return str(body["metadata"]["name"])
