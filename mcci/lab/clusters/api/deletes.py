"""DELETE, of one object and of all that a selector takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from mcci.lab.clusters.api import reads
from mcci.lab.clusters.api.forms import list_form, typed
from mcci.lab.clusters.api.writes import Answer, unsupported
from mcci.lab.clusters.status import success
from mcci.lab.clusters.store import Propagation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.lab.clusters.api.targets import Target
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]


def delete(store: Store, resource: Resource, target: Target, query: Mapping[str, str], body: Object) -> Answer:
    """Delete one object: a Status where it is gone, else the object, marked. Raises ApiError 404, 409."""
    last = store.delete(resource, target.name, target.namespace, **_options(query, body))
    if _is_marked(last):
        return Answer(body=typed(resource, target.version, last))
    details = {"name": target.name, "group": resource.group, "kind": resource.plural, "uid": last["metadata"]["uid"]}
    return Answer(body=success({key: value for key, value in details.items() if value}))


def _is_marked(last: Object) -> bool:
    """Whether the object was only marked. Not by looking: who ends a pod may have been faster than this answer."""
    metadata = last["metadata"]
    waits = metadata.get("deletionGracePeriodSeconds") or metadata.get("finalizers")
    namespace = last.get("kind") == "Namespace" and (last.get("spec") or {}).get("finalizers")
    return "deletionTimestamp" in metadata and bool(waits or namespace)


def delete_collection(
    store: Store, resource: Resource, target: Target, query: Mapping[str, str], body: Object
) -> Answer:
    """Delete what the selectors take; return the list of it."""
    items, metadata = reads.page(store, resource, target.namespace, query)
    for item in items:
        about = item["metadata"]
        if store.get(resource, about["name"], about.get("namespace", "")) is not None:
            store.delete(resource, about["name"], about.get("namespace", ""), **_options(query, body))
    return Answer(body=list_form(resource, target.version, "", items, metadata))


def _options(query: Mapping[str, str], body: Object) -> Object:
    """Return the store's arguments, from DeleteOptions in the body or the query."""
    propagation = body.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    if body.get("orphanDependents") or query.get("orphanDependents") == "true":
        propagation = "Orphan"
    if propagation not in get_args(Propagation):
        raise unsupported("propagationPolicy", propagation, get_args(Propagation))
    grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    return {
        "grace_seconds": int(grace) if grace is not None else None,
        "propagation": propagation,
        "preconditions": body.get("preconditions"),
        "dry_run": "All" in (body.get("dryRun") or query.get("dryRun") or ()),
    }
