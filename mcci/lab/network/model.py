"""Which clusters are joined, and at which addresses: the pod 127.65.0.7 is 10.65.0.7 for the other clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from mcci.config.choices import NetworkMode
from mcci.lab import networks

if TYPE_CHECKING:
    from mcci.lab.mesh.model import World
    from mcci.lab.plan import Plan

LOOPBACK, ROUTED = "127.", "10."  # how addresses of pods begin: on this machine, and in the network
CONFIG = "mcci.yml"
ROUTES = 53000  # the first of this machine's tables of routes for sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cluster as a site of the VPN. Its machine has two wires: to the internet, and to the cluster."""

    name: str
    slot: int  # the lab's (`mcci.lab.networks`)
    number: int  # the cluster's, among all of the lab, from 0

    @property
    def address(self) -> str:
        """Its public address, in the range for benchmarks, which no internet routes."""
        return f"198.18.0.{self.number + 1}"

    @property
    def subnet(self) -> str:
        """Its private network, of two addresses: `inside` is its machine's; the cluster's Envoy sends from `envoy`."""
        return routed(networks.services(self.slot, self.number)).replace("/22", "/30")

    @property
    def inside(self) -> str:
        """The machine's address in the private network."""
        return str(ip_network(self.subnet)[1])

    @property
    def envoy(self) -> str:
        """The Envoy's address in the private network."""
        return str(ip_network(self.subnet)[2])

    @property
    def here(self) -> str:
        """The range of its pods on this machine."""
        return networks.pods(self.slot, self.number)

    @property
    def pods(self) -> str:
        """The range at which the other sites reach its pods."""
        return routed(self.here)

    @property
    def device(self) -> str:
        """The end of the private network's wire on this machine."""
        return f"mcci{self.slot}-{self.number}"

    @property
    def table(self) -> int:
        """This machine's table of routes for what the Envoy sends."""
        return ROUTES + self.slot * networks.SLOTS + self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The joined clusters, and how tunnels join them; in a lab without a network none are."""

    mode: NetworkMode
    slot: int
    sites: tuple[Site, ...] = ()

    @property
    def table(self) -> str:
        """nftables' table on this machine."""
        return f"mcci_lab_{self.slot}"

    def source(self, cluster: str) -> str:
        """Return the address that a cluster's Envoy sends from; empty for one that is not joined to others."""
        return next((each.envoy for each in self.sites if each.name == cluster), "")

    def seen(self, cluster: str, world: World) -> World:
        """Return the world as a cluster's Envoy reaches it: the other sites' pods through the network."""
        sites = {each.name for each in self.sites}
        far = sites - {cluster} if cluster in sites else ()
        pods = (replace(pod, address=routed(pod.address)) if pod.cluster in far else pod for pod in world.pods)
        return replace(world, pods=tuple(pods))

    def text(self) -> str:
        """Return the network as an mcci.yml, which `mcci network verify` reads, too."""
        lines = ["version: 1", "application: lab", "services: {lab: {}}", "network:", f"  mode: {self.mode.value}"]
        lines.append("  sites:")
        for place, each in enumerate(self.sites):
            role = "" if place else ", role: ca"
            ranges = f"subnets: [{each.subnet}], pods: {each.pods}"
            lines.append(f"    {each.name}: {{address: {each.address}, {ranges}{role}}}")
        return "\n".join(lines) + "\n"


def joined(plan: Plan) -> Joined:
    """Return how a lab's network joins its clusters: those that are not alone in their mesh."""
    names = dict.fromkeys(name for mesh in plan.meshes if len(mesh.clusters) > 1 for name in mesh.clusters)
    places = list(plan.clusters)
    found = tuple(Site(name=name, slot=plan.slot, number=places.index(name)) for name in names)
    return Joined(mode=plan.vpn or NetworkMode.FULL_MESH, slot=plan.slot, sites=found if plan.vpn else ())


def routed(address: str) -> str:
    """Return the address in the network of a pod's address, or of a range of them, on this machine."""
    return ROUTED + address.removeprefix(LOOPBACK)
