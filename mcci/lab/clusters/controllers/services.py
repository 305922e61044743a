"""Services: the Endpoints and the EndpointSlice that say which ready pods answer for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import pod_state
from mcci.lab.clusters.controllers.context import is_deleted, owner, selects
from mcci.lab.clusters.resources import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
Objects = list[Object]
RESOURCE = SERVICES
OWNS: tuple[Resource, ...] = ()
NAME_LABEL = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"


def reconcile(context: Context, service: Object) -> float | None:
    """Bring a Service's Endpoints and EndpointSlice up to date."""
    metadata = service["metadata"]
    selector = service["spec"].get("selector")
    if is_deleted(service) or not selector:
        return None
    pods = [
        pod for pod in context.store.list(PODS, metadata["namespace"])
        if selects(selector, pod) and pod["status"].get("podIP") and not pod_state.has_ended(pod)
    ]  # fmt: skip
    _write(context, ENDPOINTS, metadata["name"], service, _endpoints(service, pods))
    _write(context, ENDPOINT_SLICES, f"{metadata['name']}-lab", service, _slice(service, pods))
    return None


def affected(services: Objects, pod: Object) -> list[str]:
    """Return the names of the Services that a pod's change may concern."""
    return [
        each["metadata"]["name"]
        for each in services
        if each["spec"].get("selector") and selects(each["spec"]["selector"], pod)
    ]


def _write(context: Context, resource: Resource, name: str, service: Object, wanted: Object) -> None:
    namespace = service["metadata"]["namespace"]
    labels = dict(service["metadata"].get("labels") or {})
    if resource is ENDPOINT_SLICES:
        labels |= {NAME_LABEL: service["metadata"]["name"], MANAGED_BY: "endpointslice-controller.k8s.io"}
    if context.store.get(resource, name, namespace) is None:
        metadata: Object = {"name": name, "namespace": namespace, "labels": labels}
        metadata["ownerReferences"] = [owner(SERVICES, service)]
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **wanted}
        context.store.create(resource, json.loads(json.dumps(body)))
    else:
        context.store.change(resource, name, namespace, lambda body: body.update(json.loads(json.dumps(wanted))))


def _endpoints(service: Object, pods: Objects) -> Object:
    subsets: dict[str, Object] = {}
    for pod in pods:
        ports = _ports(service, pod)
        subset = subsets.setdefault(json.dumps(ports), {"ports": ports})
        if pod_state.is_ready(pod):
            subset.setdefault("addresses", []).append(_address(pod))
        elif not is_deleted(pod):
            subset.setdefault("notReadyAddresses", []).append(_address(pod))
    return {"subsets": [each for each in subsets.values() if len(each) > 1]}


def _address(pod: Object) -> Object:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName", ""), "targetRef": _reference(pod)}


def _reference(pod: Object) -> Object:
    metadata = pod["metadata"]
    return {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}


def _slice(service: Object, pods: Objects) -> Object:
    endpoints = []
    for pod in pods:
        ready, leaving = pod_state.is_ready(pod), is_deleted(pod)
        endpoints.append(
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": {"ready": ready and not leaving, "serving": ready, "terminating": leaving},
                "nodeName": pod["spec"].get("nodeName", ""),
                "targetRef": _reference(pod),
            }
        )
    return {"addressType": "IPv4", "endpoints": endpoints, "ports": _ports(service, pods[0]) if pods else []}


def _ports(service: Object, pod: Object) -> Objects:
    found = []
    for port in service["spec"].get("ports") or ():
        number = target_port(port, pod)
        if number:
            name = {"name": port["name"]} if port.get("name") else {}
            extra = {"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}
            found.append({**name, "port": number, "protocol": port.get("protocol", "TCP"), **extra})
    return found


def target_port(port: Object, pod: Object) -> int:
    """Return the number of a Service's port on this pod; 0 where the pod has no port of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    named = (
        each["containerPort"]
        for container in pod["spec"]["containers"]
        for each in container.get("ports") or ()
        if each.get("name") == target
    )
    return int(next(named, 0))
