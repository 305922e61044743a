"""What Envoy listens on, and the routes of each: every port of every Service, and the servers of the Gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.lab.mesh import http_routes
from mcci.lab.mesh.destinations import Place, weighted
from mcci.lab.mesh.model import cluster_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.lab.mesh.model import Json, Port, Service, World

LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
MESH = "mesh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A listener. `routes` is its RouteConfiguration, or None where it forwards connections (`tcp`)."""

    name: str
    address: str
    port: int
    routes: Json | None = None
    tcp: Json | None = None


def doors(world: World, gateway: tuple[str, Mapping[int, int]] | None = None) -> Iterator[Door]:
    """Give every listener. `gateway` is the edge's address, with the real port of each port that may be opened."""
    for service in world.services:
        for port in service.ports:
            yield _service(world, service, port)
    if gateway is not None:
        address, ports = gateway
        for opened, real in ports.items():
            if hosts := list(_gateway_hosts(world, opened)):
                name = f"gateway_{opened}"
                yield Door(name=name, address=address, port=real, routes=_configuration(name, hosts))


def _service(world: World, service: Service, port: Port) -> Door:
    name = f"{service.host}_{port.number}"
    found = [each for each in world.virtual_services if _applies(world, each, service)]
    if not port.is_http:
        tcp = {"stat_prefix": name, "cluster": cluster_name(service.host, port.number)}
        for virtual in found:
            for route in virtual["spec"].get("tcp") or []:
                if all(match.get("port") in (None, port.number) for match in route.get("match") or [{}]):
                    tcp = {"stat_prefix": name, **weighted(route["route"], _place(world, virtual, port.number))}
                    return Door(name=name, address=service.address, port=port.number, tcp=tcp)
        return Door(name=name, address=service.address, port=port.number, tcp=tcp)
    routes = [
        route
        for virtual in found
        for each in virtual["spec"].get("http") or []
        for route in http_routes.routes(each, _place(world, virtual, port.number), gateway=MESH)
    ]
    if not found:
        routes = [_plain(world, service, port)]
    hosts: list[Json] = [{"name": name, "domains": ["*"], "routes": routes}]
    return Door(name=name, address=service.address, port=port.number, routes=_configuration(name, hosts))


def _plain(world: World, service: Service, port: Port) -> Json:
    place = Place(world=world, namespace=service.namespace, port=port.number)
    return next(http_routes.routes({"route": [{"destination": {"host": service.host}}]}, place, gateway=MESH))


def _applies(world: World, virtual: Json, service: Service) -> bool:
    if MESH not in virtual["spec"].get("gateways", [MESH]):
        return False
    namespace = virtual["metadata"].get("namespace", "")
    return any(world.service(host, namespace) == service for host in virtual["spec"].get("hosts", []))


def _place(world: World, virtual: Json, port: int) -> Place:
    return Place(world=world, namespace=virtual["metadata"].get("namespace", ""), port=port)


def _gateway_hosts(world: World, port: int) -> Iterator[Json]:
    """Give the virtual hosts of a gateway's port: for each VirtualService, its hosts that a server on it opens."""
    for virtual in world.virtual_services:
        namespace = virtual["metadata"].get("namespace", "")
        for gateway in world.gateways:
            own = f"{gateway['metadata'].get('namespace', '')}/{gateway['metadata']['name']}"
            named = [
                name
                for name in virtual["spec"].get("gateways", [])
                if own == (name if "/" in name else f"{namespace}/{name}")
            ]
            opened = [
                host.rpartition("/")[2]
                for server in gateway["spec"].get("servers", [])
                if server["port"]["number"] == port
                for host in server.get("hosts", [])
            ]
            domains = [host for host in virtual["spec"].get("hosts", []) if any(_opens(each, host) for each in opened)]
            if not named or not domains:
                continue
            place = _place(world, virtual, port)
            routes = [
                route
                for each in virtual["spec"].get("http") or []
                for route in http_routes.routes(each, place, gateway=named[0])
            ]
            yield {
                "name": f"{namespace}/{virtual['metadata']['name']}:{port}",
                "domains": domains,
                "routes": routes,
            }


def _opens(server: str, host: str) -> bool:
    """Whether a server's host takes a VirtualService's: the same, or under its `*`."""
    return server in ("*", host) or (server.startswith("*.") and host.endswith(server[1:]))


def _configuration(name: str, hosts: list[Json]) -> Json:
    # the port in a Host header says nothing here: a listener is one port
    return {"@type": ROUTES, "name": name, "virtual_hosts": hosts, "ignore_port_in_host_matching": True}


def listener(door: Door, routes: Json) -> Json:
    """Return Envoy's listener; `routes` is where it finds its RouteConfiguration (a ConfigSource)."""
    if door.tcp is not None:
        chain = {
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                **door.tcp,
            },
        }
    else:
        chain = {
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": MANAGER,
                "stat_prefix": door.name,
                "rds": {"route_config_name": door.name, "config_source": routes},
                "upgrade_configs": [{"upgrade_type": "websocket"}],
                "http_filters": [
                    _filter("fault", "fault.v3.HTTPFault"),
                    _filter("router", "router.v3.Router"),
                ],
            },
        }
    return {
        "@type": LISTENER,
        "name": door.name,
        "address": {"socket_address": {"address": door.address, "port_value": door.port}},
        "filter_chains": [{"filters": [chain]}],
    }


def _filter(name: str, kind: str) -> Json:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"type.googleapis.com/envoy.extensions.filters.http.{kind}"},
    }
