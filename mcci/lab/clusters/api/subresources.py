"""What stands below an object and is not its status: scale, a namespace's finalize, a pod's eviction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.reads import get
from mcci.lab.clusters.patches import json_patch
from mcci.lab.clusters.patches.merge import merge
from mcci.lab.clusters.resources import NAMESPACES, PODS
from mcci.lab.clusters.status import ApiError, success

if TYPE_CHECKING:
    from mcci.lab.clusters.api.handlers import Call
    from mcci.lab.clusters.api.registry import Registry
    from mcci.lab.clusters.api.targets import Target
    from mcci.lab.clusters.api.writes import Options
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]


def scale(store: Store, registry: Registry, call: Call, body: Any, options: Options) -> Object:
    """Read, replace or patch a workload's Scale: replicas, nothing else. Raises ApiError 404, 409, 422."""
    current = get(store, call.resource, call.target)
    if call.target.verb == "get":
        return _scale_of(current)
    if call.target.verb == "update":
        wanted = body
    elif isinstance(body, list):
        wanted = json_patch.apply(_scale_of(current), body)
    else:
        wanted = merge(_scale_of(current), body)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        raise ApiError(422, "Invalid", f"spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0")
    current["spec"]["replicas"] = replicas
    if version := (wanted.get("metadata") or {}).get("resourceVersion"):
        current["metadata"]["resourceVersion"] = version
    return _scale_of(registry.update(call.resource, call.target, current, options))


def finalize(store: Store, name: str, body: Object) -> Object:
    """Set a namespace's finalizers; with the last one it goes."""

    def edit(namespace: Object) -> None:
        namespace["spec"] = {"finalizers": (body.get("spec") or {}).get("finalizers") or []}

    return store.change(NAMESPACES, name, "", edit)


def evict(store: Store, target: Target, body: Object) -> Object:
    """Delete a pod as a drain does."""
    grace = (body.get("deleteOptions") or {}).get("gracePeriodSeconds")
    store.delete(PODS, target.name, target.namespace, grace_seconds=grace)
    return success()


def _scale_of(workload: Object) -> Object:
    about = workload["metadata"]
    labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: about[name] for name in kept if name in about},
        "spec": {"replicas": workload["spec"].get("replicas", 0)},
        "status": {
            "replicas": (workload.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }
