"""What the store's writes come down to: where an object stands, what holds it, what a writer may change. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.records import Key
from mcci.lab.clusters.status import conflict

if TYPE_CHECKING:
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
FOREGROUND = "foregroundDeletion"
# What a writer cannot change about an object that is there.
FIXED = (
    "uid",
    "name",
    "namespace",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def key_of(resource: Resource, name: str, namespace: str) -> Key:
    """Return where an object stands."""
    return Key(
        group=resource.group, plural=resource.plural, namespace=namespace if resource.namespaced else "", name=name
    )


def is_core(key: Key, plural: str) -> bool:
    """Whether the key is of that kind of the core group."""
    return (key.group, key.plural) == ("", plural)


def to_text(body: Object) -> str:
    """Return an object as it is kept."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def copy_of(body: Object) -> Object:
    """Return a deep copy."""
    copied: Object = json.loads(json.dumps(body))
    return copied


def outside(body: Object) -> Object:
    """Return what metadata.generation counts the changes of."""
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}


def with_status(current: Object, given: Object) -> Object:
    """Return the current object with the status given."""
    wanted = copy_of(current)
    wanted["status"] = given.get("status", {})
    if "managedFields" in given["metadata"]:
        wanted["metadata"]["managedFields"] = given["metadata"]["managedFields"]
    return wanted


def without_status(resource: Resource, current: Object, given: Object) -> Object:
    """Return the object given, with the current status where that is a resource of its own."""
    if resource.status:
        given.pop("status", None)
        if "status" in current:
            given["status"] = copy_of(current["status"])
    return given


def owned_by(current: Object, owners: list[Object]) -> Object:
    """Return the object with these owners."""
    wanted = copy_of(current)
    wanted["metadata"]["ownerReferences"] = owners
    if not owners:
        del wanted["metadata"]["ownerReferences"]
    return wanted


def waits_in_foreground(body: Object) -> bool:
    """Whether the object goes only after all it owns."""
    return FOREGROUND in body["metadata"].get("finalizers", ())


def wait_in_foreground(body: Object) -> None:
    """Make it so."""
    if not waits_in_foreground(body):
        body["metadata"].setdefault("finalizers", []).append(FOREGROUND)


def stop_waiting(body: Object) -> None:
    """Take that back: all it owned is gone."""
    body["metadata"]["finalizers"].remove(FOREGROUND)


def grace_of(key: Key, body: Object, asked: int | None) -> int:
    """Seconds that a Pod on a node has to end; nothing else has any."""
    if not is_core(key, "pods") or not body["spec"].get("nodeName"):
        return 0
    if body.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    wanted: int = body["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked
    return wanted


def held(key: Key, body: Object) -> bool:
    """Whether something must be done before the object may go."""
    namespace_finalizers = is_core(key, "namespaces") and body.get("spec", {}).get("finalizers")
    return bool(body["metadata"].get("finalizers") or namespace_finalizers)


def check_same(key: Key, current: Object, given: Object, field: str) -> None:
    """Optimistic concurrency: what the writer says it read must be what is there."""
    wanted = given.get(field)
    if not wanted or wanted == current["metadata"][field]:
        return
    if field == "uid":
        why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {current['metadata']['uid']}"
    else:
        why = "the object has been modified; please apply your changes to the latest version and try again"
    raise conflict(key.plural, key.group, key.name, why)
