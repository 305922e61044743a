"""HorizontalPodAutoscalers: their target within minReplicas and maxReplicas. The lab has no metrics to scale by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import conditions
from mcci.lab.clusters.controllers.context import is_deleted
from mcci.lab.clusters.resources import AUTOSCALERS, DEPLOYMENTS
from mcci.lab.clusters.store import timestamp

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
RESOURCE = AUTOSCALERS
OWNS: tuple[Resource, ...] = ()
COMPONENT = "horizontal-pod-autoscaler"


def reconcile(context: Context, autoscaler: Object) -> float | None:
    """Scale the target to the nearest number of replicas that is allowed."""
    metadata, spec = autoscaler["metadata"], autoscaler["spec"]
    target = spec["scaleTargetRef"]
    if is_deleted(autoscaler) or target["kind"] != "Deployment":
        return None
    found = context.store.get(DEPLOYMENTS, target["name"], metadata["namespace"])
    now = context.now()
    if found is None:
        message = f'deployments/scale.apps "{target["name"]}" not found'
        _write(context, autoscaler, None, 0, message)
        return 5.0
    current = int(found["spec"].get("replicas", 1))
    wanted = min(max(current, int(spec.get("minReplicas", 1))), int(spec["maxReplicas"])) if current else 0
    if wanted != current:
        edit = {"replicas": wanted}
        side = "below Spec.MinReplicas" if wanted > current else "above Spec.MaxReplicas"
        context.store.change(DEPLOYMENTS, target["name"], metadata["namespace"], lambda body: body["spec"].update(edit))
        context.event(
            AUTOSCALERS, autoscaler, "SuccessfulRescale",
            f"New size: {wanted}; reason: Current number of replicas {side}",
            component=COMPONENT,
        )  # fmt: skip
    _write(context, autoscaler, current, wanted, "", changed=timestamp(now) if wanted != current else "")
    return None


def _write(
    context: Context, autoscaler: Object, current: int | None, wanted: int, problem: str, *, changed: str = ""
) -> None:
    now = context.now()

    def edit(body: Object) -> None:
        status = dict(body.get("status") or {})
        status |= {"currentReplicas": current or 0, "desiredReplicas": wanted, "currentMetrics": None}
        if changed:
            status["lastScaleTime"] = changed
        if problem:
            conditions.set_condition(status, "AbleToScale", False, "FailedGetScale", problem, now)
        else:
            message = "the HPA controller was able to get the target's current scale"
            conditions.set_condition(status, "AbleToScale", True, "SucceededGetScale", message, now)
            message = "the lab has no metrics: the target is kept within minReplicas and maxReplicas"
            conditions.set_condition(status, "ScalingActive", False, "FailedGetResourceMetric", message, now)
        body["status"] = status

    context.store.change(AUTOSCALERS, autoscaler["metadata"]["name"], autoscaler["metadata"]["namespace"], edit)


def affected(autoscalers: list[Object], deployment: Object) -> list[str]:
    """Return the names of the autoscalers that a Deployment's change may concern."""
    name = deployment["metadata"]["name"]
    return [each["metadata"]["name"] for each in autoscalers if each["spec"]["scaleTargetRef"]["name"] == name]
