"""PodDisruptionBudgets: a status that says how many pods may go now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import conditions, pod_state
from mcci.lab.clusters.controllers.context import is_deleted, selects
from mcci.lab.clusters.resources import DISRUPTION_BUDGETS, PODS

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
RESOURCE = DISRUPTION_BUDGETS
OWNS: tuple[Resource, ...] = ()


def reconcile(context: Context, budget: Object) -> float | None:
    """Write a budget's status."""
    if is_deleted(budget):
        return None
    metadata, spec = budget["metadata"], budget["spec"]
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    pods = [pod for pod in context.store.list(PODS, metadata["namespace"]) if selects(labels, pod)]
    active = [pod for pod in pods if pod_state.is_active(pod)]
    healthy = sum(map(pod_state.is_ready, active))
    desired = _desired(spec, len(active))
    allowed = max(healthy - desired, 0)
    now = context.now()

    def edit(body: Object) -> None:
        status: Object = {
            "observedGeneration": metadata.get("generation", 1), "expectedPods": len(active),
            "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed,
            "conditions": list(body.get("status", {}).get("conditions") or ()),
        }  # fmt: skip
        reason = "SufficientPods" if allowed else "InsufficientPods"
        conditions.set_condition(status, "DisruptionAllowed", bool(allowed), reason, "", now)
        body["status"] = status

    context.store.change(DISRUPTION_BUDGETS, metadata["name"], metadata["namespace"], edit)
    return None


def _desired(spec: Object, expected: int) -> int:
    if "minAvailable" in spec:
        return _count(spec["minAvailable"], expected)
    return max(expected - _count(spec.get("maxUnavailable", 1), expected), 0)


def _count(value: int | str, of: int) -> int:
    return value if isinstance(value, int) else -(-of * int(value.rstrip("%")) // 100)


def affected(budgets: list[Object], pod: Object) -> list[str]:
    """Return the names of the budgets that a pod's change may concern."""
    return [
        each["metadata"]["name"]
        for each in budgets
        if selects((each["spec"].get("selector") or {}).get("matchLabels"), pod)
    ]
