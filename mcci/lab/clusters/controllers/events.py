"""Events: forgotten an hour after they last happened, as a real cluster forgets them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import conditions
from mcci.lab.clusters.resources import EVENTS

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
RESOURCE = EVENTS
OWNS: tuple[Resource, ...] = ()
KEPT = timedelta(hours=1)


def reconcile(context: Context, event: Object) -> float | None:
    """Delete an event whose time has come."""
    metadata = event["metadata"]
    last = conditions.parse(event.get("lastTimestamp") or metadata["creationTimestamp"])
    left = (last + KEPT - context.now()).total_seconds()
    if left > 0:
        return left
    context.store.delete(EVENTS, metadata["name"], metadata["namespace"])
    return None
