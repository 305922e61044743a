"""Tables, as `kubectl get` prints them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]


def table(resource: Resource, items: list[Object], include: str) -> Object:
    """Return a Table of the objects; `include` is None, Metadata or Object: what each row carries beside its cells."""
    columns = (("Name", _name), *COLUMNS.get(resource.kind, ()), ("Age", _age))
    definitions = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": name, "priority": 0}
        for name, _ in columns
    ]
    rows = [{"cells": [cell(item) for _, cell in columns], **_carried(item, include)} for item in items]
    revision = items[0]["metadata"].get("resourceVersion", "") if len(items) == 1 else ""
    metadata = {"resourceVersion": revision} if revision else {}
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {**head, "columnDefinitions": definitions, "rows": rows}


def _carried(item: Object, include: str) -> Object:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": item}
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"object": {**head, "metadata": item["metadata"]}}


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _age(item: Object) -> str:
    made = datetime.fromisoformat(item["metadata"]["creationTimestamp"])
    seconds = max(0, int((datetime.now(UTC) - made).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _at(*path: str, default: Any = "") -> Callable[[Object], Any]:
    def cell(item: Any) -> Any:
        for name in path:
            item = item.get(name) if isinstance(item, dict) else None
        return default if item is None else item

    return cell


def _joined(*path: str) -> Callable[[Object], str]:
    cell = _at(*path, default=())
    return lambda item: ",".join(map(str, cell(item))) or "<none>"


def _pod_ready(pod: Object) -> str:
    containers = (pod.get("status") or {}).get("containerStatuses") or []
    ready = sum(bool(container.get("ready")) for container in containers)
    return f"{ready}/{len(pod['spec'].get('containers', ()))}"


def _pod_status(pod: Object) -> str:
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = container.get("state") or {}
        for kind in ("waiting", "terminated"):
            if (state.get(kind) or {}).get("reason"):
                return str(state[kind]["reason"])
    return str(status.get("reason") or status.get("phase") or "Pending")


def _restarts(pod: Object) -> int:
    return sum(item.get("restartCount", 0) for item in (pod.get("status") or {}).get("containerStatuses") or ())


def _ready(item: Object) -> str:
    return f"{(item.get('status') or {}).get('readyReplicas', 0)}/{item['spec'].get('replicas', 0)}"


def _ports(service: Object) -> str:
    ports = service["spec"].get("ports") or ()
    shown = (
        f"{port['port']}:{port['nodePort']}/{port['protocol']}"
        if port.get("nodePort")
        else f"{port['port']}/{port['protocol']}"
        for port in ports
    )
    return ",".join(shown) or "<none>"


def _completions(job: Object) -> str:
    return f"{(job.get('status') or {}).get('succeeded', 0)}/{job['spec'].get('completions', 1)}"


def _count(name: str) -> Callable[[Object], int]:
    return lambda item: len(item.get(name) or ())


def _involved(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


COLUMNS: dict[str, tuple[tuple[str, Callable[[Object], Any]], ...]] = {
    "Pod": (("Ready", _pod_ready), ("Status", _pod_status), ("Restarts", _restarts), ("IP", _at("status", "podIP"))),
    "Deployment": (
        ("Ready", _ready),
        ("Up-to-date", _at("status", "updatedReplicas", default=0)),
        ("Available", _at("status", "availableReplicas", default=0)),
    ),
    "ReplicaSet": (
        ("Desired", _at("spec", "replicas", default=0)),
        ("Current", _at("status", "replicas", default=0)),
        ("Ready", _at("status", "readyReplicas", default=0)),
    ),
    "Job": (("Completions", _completions),),
    "Service": (
        ("Type", _at("spec", "type")),
        ("Cluster-IP", _at("spec", "clusterIP", default="<none>")),
        ("Port(s)", _ports),
    ),
    "Namespace": (("Status", _at("status", "phase")),),
    "ConfigMap": (("Data", _count("data")),),
    "Secret": (("Type", _at("type")), ("Data", _count("data"))),
    "Lease": (("Holder", _at("spec", "holderIdentity")),),
    "Event": (("Type", _at("type")), ("Reason", _at("reason")), ("Object", _involved), ("Message", _at("message"))),
    "VirtualService": (("Gateways", _joined("spec", "gateways")), ("Hosts", _joined("spec", "hosts"))),
    "DestinationRule": (("Host", _at("spec", "host")),),
    "ServiceEntry": (("Hosts", _joined("spec", "hosts")), ("Location", _at("spec", "location"))),
    "RoleBinding": (("Role", _at("roleRef", "name")),),
    "ClusterRoleBinding": (("Role", _at("roleRef", "name")),),
}
