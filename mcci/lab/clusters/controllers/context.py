"""What a controller works with: the cluster's objects, the time, and a way to write events."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.resources import EVENTS
from mcci.lab.clusters.status import ApiError
from mcci.lab.clusters.store import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
# Letters and digits that spell no words, as Kubernetes picks them for names.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One cluster, seen by its controllers."""

    store: Store
    now: Callable[[], datetime] = utc_now
    _told: dict[tuple[str, str, str], str] = field(default_factory=dict, repr=False)

    def event(
        self,
        resource: Resource,
        about: Object,
        reason: str,
        message: str,
        *,
        component: str,
        warning: bool = False,
        field_path: str = "",
        node: str = "",
    ) -> None:
        """Write an Event; one that is there already, with the same words, is counted up instead."""
        metadata = about["metadata"]
        namespace = metadata.get("namespace", "default")
        at = timestamp(self.now())
        same = (metadata["uid"], reason, message)

        def again(event: Object) -> None:
            event["count"] = event.get("count", 1) + 1
            event["lastTimestamp"] = at

        if known := self._told.get(same):
            try:
                self.store.change(EVENTS, known, namespace, again)
            except ApiError:
                pass  # it was deleted: it is written anew
            else:
                return
        name = f"{metadata['name']}.{secrets.token_hex(8)}"
        involved = {
            "apiVersion": resource.api_version, "kind": resource.kind, "name": metadata["name"],
            "namespace": namespace, "uid": metadata["uid"], "resourceVersion": metadata.get("resourceVersion", ""),
        }  # fmt: skip
        if field_path:
            involved["fieldPath"] = field_path
        body = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved, "reason": reason, "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": component, **({"host": node} if node else {})},
            "reportingComponent": component, "reportingInstance": node, "firstTimestamp": at, "lastTimestamp": at,
            "eventTime": None, "count": 1,
        }  # fmt: skip
        self.store.create(EVENTS, body)
        self._told[same] = name


def random_name(length: int = 5) -> str:
    """Return the random end of a name."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def owner(resource: Resource, of: Object) -> Object:
    """Return the ownerReference of what this object controls."""
    return {
        "apiVersion": resource.api_version, "kind": resource.kind, "name": of["metadata"]["name"],
        "uid": of["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip


def controller_of(body: Object) -> Object | None:
    """Return the ownerReference of what controls this object."""
    return next((each for each in body["metadata"].get("ownerReferences", ()) if each.get("controller")), None)


def controlled(bodies: list[Object], by: Object) -> list[Object]:
    """Return those of `bodies` that `by` controls."""
    return [each for each in bodies if (controller_of(each) or {}).get("uid") == by["metadata"]["uid"]]


def selects(labels: Object | None, of: Object) -> bool:
    """Say whether the object has all of these labels."""
    own = of["metadata"].get("labels") or {}
    return all(own.get(key) == value for key, value in (labels or {}).items())


def is_deleted(body: Object) -> bool:
    """Say whether the object is on its way out."""
    return "deletionTimestamp" in body["metadata"]
