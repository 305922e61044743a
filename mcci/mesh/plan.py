"""Who is what in the mesh of an environment; pure.

Source: https://istio.io/latest/docs/ops/deployment/deployment-models/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcci.config.choices import Topology
from mcci.errors import UsageError

if TYPE_CHECKING:
    from mcci.config.clouds import Environment
    from mcci.config.mesh import Mesh
    from mcci.config.model import Config

FLAT = "flat"  # the network of clusters that reach each other's pods


class Role(Enum):
    """What a cluster has: a control plane, or another's."""

    PRIMARY = "primary"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A cluster of the mesh. `eastwest` and `api_server` are empty where the cluster itself is asked for them."""

    name: str
    role: Role
    network: str
    eastwest: str = ""
    api_server: str = ""

    @property
    def is_primary(self) -> bool:
        """Whether it has a control plane."""
        return self.role is Role.PRIMARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A mesh: its members in the environment's order, the leading primary first."""

    id: str
    environment: str
    namespace: str  # Istio's
    trust_domain: str
    members: tuple[Member, ...]

    @property
    def primaries(self) -> tuple[Member, ...]:
        """The clusters with a control plane, the leader first."""
        return tuple(each for each in self.members if each.is_primary)

    @property
    def remotes(self) -> tuple[Member, ...]:
        """The clusters that use another's control plane."""
        return tuple(each for each in self.members if not each.is_primary)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks, each once."""
        return tuple(dict.fromkeys(each.network for each in self.members))

    @property
    def is_flat(self) -> bool:
        """Whether every pod reaches every other."""
        return len(self.networks) == 1

    def has_gateway(self, member: Member) -> bool:
        """Whether a cluster has an east-west gateway: between networks, and before a control plane for others."""
        return not self.is_flat or (member.is_primary and bool(self.remotes))

    def watched_by(self, member: Member) -> tuple[Member, ...]:
        """Return the clusters whose API servers a cluster's control plane watches: all others."""
        return tuple(each for each in self.members if each is not member) if member.is_primary else ()


def plan(config: Config, environment: Environment) -> Plan:
    """Return the mesh of an environment. Raises `UsageError` where it has no cluster."""
    mesh = config.mesh
    if not environment.all_clusters:
        raise UsageError(f"the environment '{environment.name}' has no cluster: there is nothing to make a mesh of.")
    leaders = config.config_clusters(environment)
    names = dict.fromkeys((*leaders, *environment.all_clusters))
    members = []
    for name in names:
        cluster = config.clusters[name]
        members.append(
            Member(
                name=name,
                role=Role.PRIMARY if name in leaders else Role.REMOTE,
                network=cluster.network or _network(mesh, name),
                eastwest=cluster.eastwest,
                api_server=cluster.api_server.rstrip("/"),
            )
        )
    return Plan(
        id=mesh.id or f"{config.application}-{environment.name}",
        environment=environment.name,
        namespace=mesh.namespace,
        trust_domain=mesh.trust_domain,
        members=tuple(members),
    )


def _network(mesh: Mesh, name: str) -> str:
    return name if mesh.topology is Topology.MULTI_PRIMARY else FLAT
