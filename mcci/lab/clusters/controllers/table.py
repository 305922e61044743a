"""The controllers of a cluster, in one table; each is a module of one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mcci.lab.clusters.controllers import (
    autoscalers,
    deployments,
    disruption_budgets,
    events,
    jobs,
    namespaces,
    replica_sets,
    services,
)
from mcci.lab.clusters.resources import DEPLOYMENTS, PODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]


class Controller(Protocol):
    """A controller: the kind it looks after, the kinds whose objects it owns, and what it does for one object."""

    RESOURCE: Resource
    OWNS: tuple[Resource, ...]

    def reconcile(self, context: Context, body: Object, /) -> float | None:
        """Bring one object further; return the seconds until it must be looked at again even if nothing changes."""


CONTROLLERS: tuple[Controller, ...] = (
    namespaces,
    autoscalers,
    deployments,
    replica_sets,
    jobs,
    services,
    disruption_budgets,
    events,
)

# What concerns an object without being owned by it: the kind that changed → controllers, and how each finds the names
# of its objects in the same namespace.
CONCERNS: dict[Resource, tuple[tuple[Controller, Callable[[list[Object], Object], list[str]]], ...]] = {
    PODS: ((services, services.affected), (disruption_budgets, disruption_budgets.affected)),
    DEPLOYMENTS: ((autoscalers, autoscalers.affected),),
}
