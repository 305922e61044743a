"""Rules for the clouds: environments, clusters, access to them, the mesh and the VPN."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from mcci.config.model import Cloud, SiteRole, Topology
from mcci.config.rules import known_clusters, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.model import Cluster, Config
    from mcci.findings import Finding

# what keyless access needs besides the audience and the identity: (section's key, where it belongs)
_OIDC_KEYS = {
    Cloud.AWS: (),
    Cloud.AZURE: ("tenant", "resource_group"),
    Cloud.GCP: ("provider", "project"),
}


def environments(config: Config) -> Iterator[Finding]:
    """An environment has clusters, each once, and each one exists."""
    for environment in config.environments.values():
        clusters, marks = environment.all_clusters, environment.marks
        if not clusters:
            message = f"the environment {environment.name} has no cluster."
            position = config.marks.item("environments", environment.name)
            yield problem("empty", message, position, "List its clusters under 'clusters'.")
        if environment.clusters and environment.waves and set(environment.clusters) != set(clusters):
            message = f"clusters and waves of {environment.name} name different clusters."
            yield problem("waves", message, marks.of("waves"), "Give one of the two.")
        key = "waves" if environment.waves else "clusters"
        for number, cluster in enumerate(clusters):
            if cluster in clusters[:number]:
                message = f"{environment.name} names the cluster {cluster} twice."
                yield problem("waves", message, marks.item(key, number), "Keep one of the two.")
        yield from known_clusters(config, clusters, marks, key)


def namespaces(config: Config) -> Iterator[Finding]:
    """No two environments share a namespace on one cluster."""
    owners: dict[tuple[str, str], str] = {}
    for environment in config.environments.values():
        for cluster in dict.fromkeys(environment.all_clusters):
            place = (cluster, config.namespace_of(environment))
            other = owners.setdefault(place, environment.name)
            if other != environment.name:
                message = f"{other} and {environment.name} share the namespace '{place[1]}' on cluster {cluster}."
                position = config.marks.item("environments", environment.name)
                yield problem("namespace", message, position, "Give one of them a 'namespace' of its own.")


def clusters(config: Config) -> Iterator[Finding]:
    """Each cluster is in an environment."""
    used = {cluster for environment in config.environments.values() for cluster in environment.all_clusters}
    for name in config.clusters:
        if name not in used:
            message = f"the cluster {name} is in no environment."
            help_ = "Add it to an environment's clusters, or remove it."
            yield problem("unused-cluster", message, config.marks.item("clusters", name), help_)


def access(config: Config) -> Iterator[Finding]:
    """A cluster is reached in one way, and keyless access has what its cloud asks for."""
    variables: dict[str, str] = {}
    for cluster in config.clusters.values():
        ways = [way for way in ("kubeconfig", "agent", "oidc", "in_cluster") if getattr(cluster, way)]
        if len(ways) > 1:
            message = f"the cluster {cluster.name} is reached by {' and '.join(ways)}."
            yield problem("access", message, cluster.marks.of(ways[1]), "Give one of them.")
        variable = cluster.kubeconfig_variable
        other = variables.setdefault(variable, cluster.name) if variable else cluster.name
        if other != cluster.name:
            message = f"{other} and {cluster.name} have the same kubeconfig variable {variable}."
            yield problem("access", message, cluster.marks.of("kubeconfig"), "Give each cluster its own.")
        yield from _oidc(cluster)


def _oidc(cluster: Cluster) -> Iterator[Finding]:
    if cluster.oidc is None:
        return
    needed = _OIDC_KEYS.get(cluster.cloud)
    if needed is None:
        message = f"keyless access needs to know the cloud of {cluster.name}."
        yield problem("access", message, cluster.marks.of("oidc"), "Set its 'cloud' to aws, azure or gcp.")
        return
    missing = [name for name in needed if not getattr(cluster.oidc, name)]
    if missing:
        message = f"keyless access to {cluster.cloud.value} needs {' and '.join(repr(name) for name in missing)} too."
        yield problem("access", message, cluster.marks.of("oidc"))
    if bool(cluster.oidc.server) != bool(cluster.oidc.authority):
        message = "the 'server' and the 'authority' of keyless access are given together."
        yield problem("access", message, cluster.marks.of("oidc"), "Leave both out, and the cloud is asked for them.")
    if not cluster.region and cluster.cloud is not Cloud.AZURE:
        message = f"keyless access to {cluster.cloud.value} needs the 'region' of {cluster.name}."
        yield problem("access", message, cluster.marks.of("oidc"))


def mesh(config: Config) -> Iterator[Finding]:
    """The mesh's config clusters exist; a shared control plane has one in each environment."""
    marks = config.mesh.marks
    yield from known_clusters(config, config.mesh.config_clusters, marks, "config_clusters")
    if config.mesh.topology is Topology.PRIMARY_REMOTE:
        for environment in config.environments.values():
            if len(config.config_clusters(environment)) > 1:
                message = f"a primary-remote mesh has one config cluster, and {environment.name} has more."
                yield problem("mesh", message, marks.of("config_clusters"))


def network(config: Config) -> Iterator[Finding]:
    """One site signs the certificates, and the sites' networks are networks that do not overlap."""
    sites = config.network.sites
    authorities = [site.name for site in sites.values() if site.role is SiteRole.CA]
    if sites and len(authorities) != 1:
        message = f"one site must have the role 'ca'; here {len(authorities)} have it."
        yield problem("network", message, config.network.marks.of("sites"))
    seen: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = []
    for site in sites.values():
        places = [("subnets", number, text) for number, text in enumerate(site.subnets)]
        places += [("pods", -1, site.pods), ("services", -1, site.services)]
        for key, number, text in places:
            position = site.marks.item(key, number)
            try:
                found = ipaddress.ip_network(text) if text else None
            except ValueError as error:
                yield problem("value", f"{error}.", position, _nearest(text))
                continue
            if found is None:
                continue
            for other, name in seen:
                if other.version == found.version and other.overlaps(found):
                    message = f"{text} of {site.name} overlaps {other} of {name}; packets would not find their way."
                    yield problem("network", message, position)
            seen.append((found, site.name))


def _nearest(text: str) -> str:
    try:
        return f"Did you mean '{ipaddress.ip_network(text, strict=False)}'?"
    except ValueError:
        return ""
