"""What the mesh is made of, as values: services, their pods, and the Istio objects that say how traffic goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]
HTTP_PREFIXES = ("http", "http2", "grpc", "grpc-web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A Service's port. `target` is the pods' port: a number, or a container port's name."""

    name: str
    number: int
    target: int | str
    app_protocol: str = ""

    @property
    def is_http(self) -> bool:
        """Whether the mesh routes requests on it, and not only connections.

        Source: https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
        """
        return (self.app_protocol or self.name.partition("-")[0]) in HTTP_PREFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A ready pod: where it listens, and the labels that subsets pick it by."""

    name: str
    cluster: str
    namespace: str
    address: str
    labels: Mapping[str, str]
    ports: Mapping[str, int]  # the container ports by name

    def port(self, target: int | str) -> int | None:
        """Return the number of a target port; None where the pod has no port of that name."""
        return target if isinstance(target, int) else self.ports.get(target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service of the mesh; `address` is where callers in this cluster reach it."""

    name: str
    namespace: str
    address: str
    ports: tuple[Port, ...]
    selector: Mapping[str, str]
    domain: str = "cluster.local"

    @property
    def host(self) -> str:
        """Its full name."""
        return f"{self.name}.{self.namespace}.svc.{self.domain}"

    def selects(self, pod: Pod) -> bool:
        """Whether `pod` is one of its pods, in whichever cluster: the mesh joins Services of one name."""
        return pod.namespace == self.namespace and bool(self.selector) and self.selector.items() <= pod.labels.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What one cluster's proxy has to know: its own Services, the ready pods of all clusters, and the Istio objects."""

    services: tuple[Service, ...] = ()
    pods: tuple[Pod, ...] = ()
    virtual_services: tuple[Json, ...] = ()
    destination_rules: tuple[Json, ...] = ()
    gateways: tuple[Json, ...] = ()

    def service(self, host: str, namespace: str) -> Service | None:
        """Return the Service that an Istio object in `namespace` calls `host`, by its short or its full name."""
        for service in self.services:
            if host in (service.host, f"{service.name}.{service.namespace}"):
                return service
            if host == service.name and namespace == service.namespace:
                return service
        return None


def cluster_name(host: str, port: int, subset: str = "") -> str:
    """Return the name that Istio gives Envoy's cluster for a service's port and subset."""
    return f"outbound|{port}|{subset}|{host}"
