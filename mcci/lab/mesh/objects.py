"""Objects of the Kubernetes API → the mesh's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.lab.mesh.model import Pod, Port, Service, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcci.lab.mesh.model import Json


def world(
    services: Iterable[Json],
    pods: Mapping[str, Iterable[Json]],
    virtual_services: Sequence[Json] = (),
    destination_rules: Sequence[Json] = (),
    gateways: Sequence[Json] = (),
) -> World:
    """Return what a cluster's proxy has to know: its own `services`, and the `pods` of every cluster, by cluster."""
    return World(
        services=tuple(found for found in map(service, services) if found is not None),
        pods=tuple(found for cluster, each in pods.items() for raw in each if (found := pod(raw, cluster)) is not None),
        virtual_services=_in_order(virtual_services),
        destination_rules=_in_order(destination_rules),
        gateways=_in_order(gateways),
    )


def service(raw: Json) -> Service | None:
    """Return a Service; None for one that has no address of its own (headless, ExternalName)."""
    spec = raw["spec"]
    address = spec.get("clusterIP", "None")
    if address in ("None", "") or not spec.get("ports"):
        return None
    return Service(
        name=raw["metadata"]["name"],
        namespace=raw["metadata"]["namespace"],
        address=address,
        selector=spec.get("selector") or {},
        ports=tuple(
            Port(
                name=each.get("name", ""),
                number=each["port"],
                target=each.get("targetPort", each["port"]),
                app_protocol=each.get("appProtocol", ""),
            )
            for each in spec["ports"]
        ),
    )


def pod(raw: Json, cluster: str) -> Pod | None:
    """Return a Pod that takes traffic; None for one that is not ready, or on its way out."""
    status, metadata = raw.get("status") or {}, raw["metadata"]
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or [])
    if not ready or not status.get("podIP") or metadata.get("deletionTimestamp"):
        return None
    return Pod(
        name=metadata["name"],
        cluster=cluster,
        namespace=metadata["namespace"],
        address=status["podIP"],
        labels=metadata.get("labels") or {},
        ports={
            port["name"]: port["containerPort"]
            for container in raw["spec"]["containers"]
            for port in container.get("ports") or []
            if "name" in port
        },
    )


def _in_order(objects: Sequence[Json]) -> tuple[Json, ...]:
    """The oldest first, as Istio takes them where several are for one host."""
    return tuple(
        sorted(objects, key=lambda each: (each["metadata"].get("creationTimestamp", ""), each["metadata"]["name"]))
    )
