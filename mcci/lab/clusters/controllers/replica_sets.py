"""ReplicaSets: as many pods as they ask for; which of them go first when there are too many."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import conditions, pod_state
from mcci.lab.clusters.controllers.context import controlled, is_deleted, owner, random_name
from mcci.lab.clusters.resources import PODS, REPLICA_SETS, SERVICE_ACCOUNTS

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
Objects = list[Object]
RESOURCE = REPLICA_SETS
OWNS: tuple[Resource, ...] = (PODS,)
COMPONENT = "replicaset-controller"
RETRY = 1.0  # seconds until pods that could not be made are tried again


def reconcile(context: Context, replica_set: Object) -> float | None:
    """Make or delete pods until there are enough, and write the status."""
    if is_deleted(replica_set):
        return None
    metadata = replica_set["metadata"]
    pods = controlled(context.store.list(PODS, metadata["namespace"]), replica_set)
    active = [pod for pod in pods if pod_state.is_active(pod)]
    missing = int(replica_set["spec"].get("replicas", 1)) - len(active)
    problem = ""
    if missing > 0:
        problem = make_pods(context, REPLICA_SETS, replica_set, missing, COMPONENT)
    for pod in first_to_go(active)[: max(-missing, 0)]:
        context.store.delete(PODS, pod["metadata"]["name"], metadata["namespace"])
        message = f"Deleted pod: {pod['metadata']['name']}"
        context.event(REPLICA_SETS, replica_set, "SuccessfulDelete", message, component=COMPONENT)
    pods = controlled(context.store.list(PODS, metadata["namespace"]), replica_set)
    return _write(context, replica_set, [pod for pod in pods if pod_state.is_active(pod)], problem)


def make_pods(context: Context, resource: Any, of: Object, count: int, component: str) -> str:
    """Make pods from an object's template; return why that cannot be done, empty where it was."""
    metadata = of["metadata"]
    spec = of["spec"]["template"]["spec"]
    account = spec.get("serviceAccountName") or "default"
    if context.store.get(SERVICE_ACCOUNTS, account, metadata["namespace"]) is None:
        why = (
            f'pods "{metadata["name"]}-" is forbidden: error looking up service account'
            f' {metadata["namespace"]}/{account}: serviceaccount "{account}" not found'
        )
        context.event(resource, of, "FailedCreate", f"Error creating: {why}", component=component, warning=True)
        return why
    for _ in range(count):
        pod = context.store.create(PODS, _pod(resource, of, account))
        message = f"Created pod: {pod['metadata']['name']}"
        context.event(resource, of, "SuccessfulCreate", message, component=component)
    return ""


def _pod(resource: Any, of: Object, account: str) -> Object:
    template = json.loads(json.dumps(of["spec"]["template"]))
    metadata = of["metadata"]
    given = template.get("metadata") or {}
    made = {
        "name": f"{metadata['name'][:57]}-{random_name()}", "generateName": f"{metadata['name']}-",
        "namespace": metadata["namespace"], "ownerReferences": [owner(resource, of)],
    }  # fmt: skip
    for key in ("labels", "annotations", "finalizers"):
        if given.get(key):
            made[key] = given[key]
    spec = {"serviceAccountName": account, "serviceAccount": account, **template["spec"]}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": spec,
        "status": {"phase": "Pending", "qosClass": qos_class(spec)},
    }  # fmt: skip


def qos_class(spec: Object) -> str:
    """Return the pod's quality of service, from its containers' requests and limits of CPU and memory."""
    resources = [each.get("resources") or {} for each in (*spec.get("initContainers", ()), *spec["containers"])]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    for each in resources:
        limits, requests = each.get("limits") or {}, each.get("requests") or {}
        if any(key not in limits or requests.get(key, limits[key]) != limits[key] for key in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def first_to_go(pods: Objects) -> Objects:
    """Order pods, those missed least first: not on a node, not ready, ready for the shortest time, youngest."""

    def since(pod: Object) -> datetime:
        condition = conditions.find(pod, "Ready") or {}
        return conditions.parse(condition.get("lastTransitionTime") or pod["metadata"]["creationTimestamp"])

    def worth(pod: Object) -> tuple[bool, bool, float, float]:
        made = conditions.parse(pod["metadata"]["creationTimestamp"]).timestamp()
        ready = pod_state.is_ready(pod)
        return bool(pod["spec"].get("nodeName")), ready, -since(pod).timestamp() if ready else 0, -made

    return sorted(pods, key=worth)


def _write(context: Context, replica_set: Object, active: Objects, problem: str) -> float | None:
    now = context.now()
    minimum = int(replica_set["spec"].get("minReadySeconds", 0))
    moments = [at for pod in active if (at := pod_state.available_at(pod, minimum))]
    wanted = replica_set["spec"]["template"].get("metadata", {}).get("labels") or {}
    labelled = [pod for pod in active if wanted.items() <= (pod["metadata"].get("labels") or {}).items()]

    def edit(body: Object) -> None:
        status = {
            "replicas": len(active),
            "fullyLabeledReplicas": len(labelled),
            "readyReplicas": len(moments),
            "availableReplicas": sum(at <= now for at in moments),
            "observedGeneration": replica_set["metadata"].get("generation", 1),
            "conditions": list(body.get("status", {}).get("conditions") or ()),
        }
        if problem:
            conditions.set_condition(status, "ReplicaFailure", True, "FailedCreate", problem, now)
        else:
            conditions.remove(status, "ReplicaFailure")
        body["status"] = {key: value for key, value in status.items() if value not in (0, [])} | {
            "replicas": len(active)
        }

    metadata = replica_set["metadata"]
    context.store.change(REPLICA_SETS, metadata["name"], metadata["namespace"], edit)
    waits = [(at - now).total_seconds() for at in moments if at > now] + ([RETRY] if problem else [])
    return min(waits) + 0.02 if waits else None
