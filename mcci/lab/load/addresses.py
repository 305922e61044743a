"""Where the callers of a service in a cluster send: to the gateway, where that opens it, else to the Service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import GATEWAY, SERVICE, VIRTUAL_SERVICE
from mcci.lab.mesh import listeners, objects

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.lab.mesh.model import Json, Service, World

EDGE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL without its path, and the host to ask for there; none where that is the URL's own."""

    base: str
    host: str = ""


def find(service: str, api: ClusterApi, config: ClusterApi, gateway: str) -> Address | None:
    """Return where `service` is reached in the cluster of `api`; None while it has no such Service.

    `config` is the cluster with the Istio objects, `gateway` the address of the gateway's port 80.
    """
    world = objects.world(
        api.list(SERVICE), {}, virtual_services=config.list(VIRTUAL_SERVICE), gateways=config.list(GATEWAY)
    )
    found = next((each for each in world.services if each.name == service), None)
    if found is None:
        return None
    if host := _opened(world, found):
        return Address(base=f"http://{gateway}", host=host)
    port = next((each for each in found.ports if each.is_http), found.ports[0])
    return Address(base=f"http://{found.address}:{port.number}")


def _opened(world: World, service: Service) -> str:
    """Return the host by which the gateway takes requests to a service; empty where it does not."""
    names = {
        f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}:{EDGE}"
        for each in world.virtual_services
        if _goes_to(world, each, service)
    }
    for door in listeners.doors(world, ("", {EDGE: EDGE})):
        if door.name == f"gateway_{EDGE}" and door.routes:
            hosts = (each["domains"][0] for each in door.routes["virtual_hosts"] if each["name"] in names)
            return next((host.replace("*", "any") for host in hosts), "")
    return ""


def _goes_to(world: World, virtual: Json, service: Service) -> bool:
    namespace = virtual["metadata"].get("namespace", "")
    return any(
        world.service(each["destination"]["host"], namespace) == service
        for route in virtual["spec"].get("http") or ()
        for each in route.get("route") or ()
    )
