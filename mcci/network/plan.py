"""The sites become tunnels, addresses and routes: everything that Terraform and Ansible are told, decided in one place.

Full mesh: every site is the server of all the others and their client, so two tunnels join each pair, one begun by
each; a site sends through the one that it began (metric 100) and falls back to the other (metric 200). Resilient: one
tunnel a pair, begun by the site with the higher number, and OSPF finds the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from mcci.config.choices import Cloud, NetworkMode, SiteRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.clouds import Network, Site

OWN_METRIC, OTHER_METRIC = 100, 200  # of the tunnel that a site began, and of the one its peer began
SERVER_DEVICE = "vpn0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A site as the plan sees it. `networks` are what it advertises; `address` is "" until Terraform has made one."""

    name: str
    number: int
    cloud: Cloud
    region: str
    address: str
    user: str
    signs: bool
    subnets: tuple[IPv4Network, ...]
    networks: tuple[IPv4Network, ...]
    probes: tuple[str, ...]

    @property
    def made(self) -> bool:
        """Whether Terraform makes its instance."""
        return not self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """One OpenVPN tunnel: `client` begins it to `port` of `server`; each end has a device and an address."""

    server: str
    client: str
    port: int
    server_device: str
    client_device: str
    server_address: IPv4Address
    client_address: IPv4Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How `site` reaches `network` of `peer`: by `device`, the lowest `metric` first."""

    site: str
    peer: str
    network: IPv4Network
    device: str
    metric: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole VPN. `routes` are the fixed ones: OSPF finds its own."""

    mode: NetworkMode
    port: int
    tunnels_range: IPv4Network
    admins: tuple[str, ...]
    members: tuple[Member, ...]
    tunnels: tuple[Tunnel, ...]
    routes: tuple[Route, ...]

    @property
    def authority(self) -> Member:
        """The site that signs."""
        return next(each for each in self.members if each.signs)

    @property
    def pairs(self) -> tuple[tuple[Member, Member], ...]:
        """Every two sites, both ways round."""
        return tuple((one, other) for one in self.members for other in self.members if one is not other)

    def server_network(self, member: Member) -> IPv4Network:
        """The /24 of the site's own server (full mesh)."""
        return server_network(self.tunnels_range, member.number)

    def ports(self, member: Member) -> tuple[int, int]:
        """The first and the last UDP port on which the site is a server."""
        used = [each.port for each in self.tunnels if each.server == member.name] or [self.port]
        return min(used), max(used)


def plan(network: Network) -> Plan:
    """Decide the VPN. `network` has no finding (`mcci.network.rules`)."""
    members = tuple(_member(site, number) for site, number in numbered(network) if not site.revoked)
    span = IPv4Network(network.tunnels)
    mesh = network.mode is NetworkMode.FULL_MESH
    tunnels = tuple(_mesh_tunnels(members, span, network.port) if mesh else _pair_tunnels(members, span, network.port))
    return Plan(
        mode=network.mode,
        port=network.port,
        tunnels_range=span,
        admins=network.admins,
        members=members,
        tunnels=tunnels,
        routes=tuple(_routes(members)) if mesh else (),
    )


def numbered(network: Network) -> tuple[tuple[Site, int], ...]:
    """Return the sites with their numbers: the one given, or the place among the sites, from 1."""
    return tuple((site, site.number or place) for place, site in enumerate(network.sites.values(), 1))


def server_network(span: IPv4Network, number: int) -> IPv4Network:
    """Return the /24 of the tunnels' range that belongs to the server of site `number`."""
    return IPv4Network((int(span.network_address) + number * 256, 24))


def _member(site: Site, number: int) -> Member:
    subnets = tuple(map(IPv4Network, site.subnets))
    return Member(
        name=site.name,
        number=number,
        cloud=site.cloud,
        region=site.region,
        address=site.address,
        user=site.user,
        signs=site.role is SiteRole.CA,
        subnets=subnets,
        networks=subnets + tuple(IPv4Network(text) for text in (site.pods, site.services) if text),
        probes=site.probes,
    )


def _mesh_tunnels(members: tuple[Member, ...], span: IPv4Network, port: int) -> Iterator[Tunnel]:
    for server in members:
        first = server_network(span, server.number)
        for client in members:
            if client is not server:
                yield Tunnel(
                    server=server.name,
                    client=client.name,
                    port=port,
                    server_device=SERVER_DEVICE,
                    client_device=f"vpn{server.number}",
                    server_address=first[1],
                    client_address=first[client.number + 1],
                )


def _pair_tunnels(members: tuple[Member, ...], span: IPv4Network, port: int) -> Iterator[Tunnel]:
    for server in members:
        for client in members:
            if server.number < client.number:
                yield Tunnel(
                    server=server.name,
                    client=client.name,
                    port=port + client.number,
                    server_device=f"vpn{client.number}",
                    client_device=f"vpn{server.number}",
                    server_address=server_network(span, server.number)[client.number],
                    client_address=server_network(span, client.number)[server.number],
                )


def _routes(members: tuple[Member, ...]) -> Iterator[Route]:
    for site in members:
        for peer in members:
            for network in peer.networks if peer is not site else ():
                for device, metric in ((f"vpn{peer.number}", OWN_METRIC), (SERVER_DEVICE, OTHER_METRIC)):
                    yield Route(site=site.name, peer=peer.name, network=network, device=device, metric=metric)
