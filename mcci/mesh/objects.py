"""The objects beside Istio's charts: the namespace, what the east-west gateway lets through, federated services; pure.

Source: https://istio.io/latest/docs/setup/install/multicluster/primary-remote/
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import DESTINATION_RULE, GATEWAY, NAMESPACE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.clients.kubernetes.api import Kind, Object
    from mcci.config.mesh import Federated
    from mcci.mesh.plan import Member, Plan

MANAGED = {"app.kubernetes.io/managed-by": "mcci"}
NETWORK = "topology.istio.io/network"
CONTROL_PLANES = "topology.istio.io/controlPlaneClusters"
MESH = "mcci.io/mesh"
SELECTOR = {"istio": "eastwestgateway"}  # the label that the gateway chart makes of the release's name
PORT = 15443  # where an east-west gateway takes the mesh's own TLS
DISCOVERY, WEBHOOK = 15012, 15017

Wanted = tuple["Kind", "Object"]


def namespace(plan: Plan, member: Member) -> Wanted:
    """Return Istio's namespace: which mesh, which network where there are several, whose control plane."""
    labels = {**MANAGED, MESH: plan.id} | ({} if plan.is_flat else {NETWORK: member.network})
    metadata: Object = {"name": plan.namespace, "labels": labels}
    if not member.is_primary:
        metadata["annotations"] = {CONTROL_PLANES: ",".join(each.name for each in plan.primaries)}
    return NAMESPACE, {"metadata": metadata}


def exposed(plan: Plan, member: Member) -> tuple[Wanted, ...]:
    """Return what a cluster's east-west gateway passes on: the control plane, the services of another network."""
    if not plan.has_gateway(member):
        return ()
    found: list[Wanted] = []
    if member.is_primary and plan.remotes:
        found += [(GATEWAY, _discovery_gateway(plan)), (VIRTUAL_SERVICE, _discovery(plan))]
    if not plan.is_flat and member.is_primary:  # its control plane tells all gateways of the mesh
        found.append((GATEWAY, _services_gateway(plan)))
    return tuple(found)


def federation(plan: Plan, services: Iterable[Federated]) -> tuple[Wanted, ...]:
    """Return the objects by which this mesh calls services of others, through their east-west gateways."""
    found: list[Wanted] = []
    for each in services:
        found += [(SERVICE_ENTRY, _entry(plan, each)), (DESTINATION_RULE, _mutual(plan, each))]
    return tuple(found)


def _discovery_gateway(plan: Plan) -> Object:
    servers = [
        {"port": {"number": number, "name": name, "protocol": "TLS"}, "tls": {"mode": "PASSTHROUGH"}, "hosts": ["*"]}
        for name, number in (("tls-istiod", DISCOVERY), ("tls-istiodwebhook", WEBHOOK))
    ]
    return {"metadata": _metadata(plan, "istiod-gateway"), "spec": {"selector": dict(SELECTOR), "servers": servers}}


def _discovery(plan: Plan) -> Object:
    host = f"istiod.{plan.namespace}.svc.cluster.local"
    routes = [
        {
            "match": [{"port": taken, "sniHosts": ["*"]}],
            "route": [{"destination": {"host": host, "port": {"number": given}}}],
        }
        for taken, given in ((DISCOVERY, DISCOVERY), (WEBHOOK, 443))
    ]
    spec = {"hosts": ["*"], "gateways": ["istiod-gateway"], "tls": routes}
    return {"metadata": _metadata(plan, "istiod-vs"), "spec": spec}


def _services_gateway(plan: Plan) -> Object:
    server = {
        "port": {"number": PORT, "name": "tls", "protocol": "TLS"},
        "tls": {"mode": "AUTO_PASSTHROUGH"},
        "hosts": ["*.local"],
    }
    return {
        "metadata": _metadata(plan, "cross-network-gateway"),
        "spec": {"selector": dict(SELECTOR), "servers": [server]},
    }


def _entry(plan: Plan, service: Federated) -> Object:
    address, _, port = service.gateway.partition(":")
    through = int(port or PORT)
    spec: Object = {
        "hosts": [service.host],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC" if _is_ip(address) else "DNS",
        "ports": [
            {"number": number, "name": name, "protocol": _protocol(name)} for name, number in service.ports.items()
        ],
        "endpoints": [{"address": address, "ports": dict.fromkeys(service.ports, through)}],
    }
    if service.identities:
        spec["subjectAltNames"] = list(service.identities)
    return {"metadata": _metadata(plan, f"mesh-{service.name}"), "spec": spec}


def _mutual(plan: Plan, service: Federated) -> Object:
    """Istio cannot see that the other side has a proxy; without this it would speak plain text to the gateway."""
    spec = {"host": service.host, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}
    return {"metadata": _metadata(plan, f"mesh-{service.name}"), "spec": spec}


def _metadata(plan: Plan, name: str) -> Object:
    return {"name": name, "namespace": plan.namespace, "labels": dict(MANAGED)}


def _protocol(name: str) -> str:
    """Return the protocol that a port's name begins with, TCP for others.

    Source: https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
    """
    word = name.split("-")[0].upper()
    return word if word in ("HTTP", "HTTP2", "HTTPS", "GRPC", "TCP", "TLS", "MONGO", "MYSQL", "REDIS") else "TCP"


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
