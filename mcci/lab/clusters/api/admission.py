"""What the API server does with an object beside its fields: namespaces that must be there, addresses given out."""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.resources import NAMESPACES, SERVICES
from mcci.lab.clusters.status import ApiError, forbidden, not_found

if TYPE_CHECKING:
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
NODE_PORTS = range(30000, 32768)
CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"


def admit(store: Store, resource: Resource, body: Object, current: Object | None, services: str) -> None:
    """Complete a body in place before it is written. Raises ApiError 403, 404 where its namespace does not take it.

    `services` is the network of which Services get their addresses.
    """
    if current is None and resource.namespaced:
        _check_namespace(store, resource, body)
    if resource is SERVICES:
        _service(store, body, current, services)
    if resource.kind == "Job":
        _job(body, current)
    if resource is NAMESPACES and current is not None:
        body["spec"] = current.get("spec", {})  # finalizers change through /finalize only


def _check_namespace(store: Store, resource: Resource, body: Object) -> None:
    name = body["metadata"]["namespace"]
    namespace = store.get(NAMESPACES, name)
    if namespace is None:
        raise not_found("namespaces", "", name)
    if "deletionTimestamp" in namespace["metadata"]:
        why = f"unable to create new content in namespace {name} because it is being terminated"
        error = forbidden(resource.plural, resource.group, body["metadata"]["name"], why)
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {name} is being terminated"}
        raise ApiError(403, "Forbidden", error.message, {"causes": [{**cause, "field": "metadata.namespace"}]})


def _service(store: Store, body: Object, current: Object | None, services: str) -> None:
    """Give out addresses and node ports; keep those that are given out."""
    spec = body["spec"]
    before = (current or {}).get("spec", {})
    if spec["type"] == "ExternalName":
        return
    others = [item["spec"] for item in store.list(SERVICES) if item["metadata"]["uid"] != _uid(current)]
    if not spec.get("clusterIP"):
        spec["clusterIP"] = before.get("clusterIP") or _free_address(
            services, {other.get("clusterIP") for other in others}
        )
    spec["clusterIPs"] = [spec["clusterIP"]]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        known = {(port["port"], port.get("protocol")): port.get("nodePort") for port in before.get("ports") or ()}
        taken = {port.get("nodePort") for other in [*others, spec] for port in other.get("ports") or ()}
        for port in spec.get("ports") or ():
            if not port.get("nodePort"):
                free = next(number for number in NODE_PORTS if number not in taken)
                port["nodePort"] = known.get((port["port"], port.get("protocol"))) or free
                taken.add(port["nodePort"])


def _free_address(services: str, taken: set[str | None]) -> str:
    hosts = ipaddress.ip_network(services).hosts()
    return next(str(address) for address in hosts if str(address) not in taken)


def _job(body: Object, current: Object | None) -> None:
    """Tie a Job's Pods to it by labels that no other Job has."""
    spec = body["spec"]
    if current is not None:
        body["metadata"]["uid"] = current["metadata"]["uid"]
        spec.setdefault("selector", current["spec"].get("selector"))
        labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
        for name, value in current["spec"]["template"].get("metadata", {}).get("labels", {}).items():
            if name in (CONTROLLER_UID, JOB_NAME, "controller-uid", "job-name"):
                labels.setdefault(name, value)
        return
    uid = body["metadata"]["uid"] = str(uuid.uuid4())
    if not spec.get("manualSelector"):
        labels = spec.setdefault("template", {}).setdefault("metadata", {}).setdefault("labels", {})
        name = body["metadata"]["name"]
        labels |= {CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name}
        if not spec.get("selector"):
            spec["selector"] = {"matchLabels": {CONTROLLER_UID: uid}}
        body["metadata"].setdefault("labels", dict(labels))


def _uid(current: Object | None) -> str:
    return str(current["metadata"]["uid"]) if current else ""
