"""Rules for the addresses of clusters: ranges that a mesh and the VPN can route; and for those that Rancher makes."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from mcci.config.choices import PoolRole
from mcci.config.networks import Network, network, overlap
from mcci.config.rules import outside, problem, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.model import Cluster, Config
    from mcci.findings import Finding, Position

Place = tuple[Network, str, "Position"]  # the network, whose it is, where it stands


def cluster_ranges(config: Config) -> Iterator[Finding]:
    """The clusters' ranges are networks; none overlaps another's in its environment, or what the VPN routes."""
    for cluster in config.clusters.values():
        yield from _written(config, cluster)
    found: dict[tuple[Position, str], Finding] = {}
    for environment in config.environments.values():
        seen: list[Place] = []
        members = [each for each in config.clusters.values() if each.name in environment.all_clusters]
        for cluster in members:
            for place in _places(config, cluster):
                for other in seen:
                    if overlap(place[0], other[0]):
                        message = f"{place[1]} overlap {other[1]}: a mesh could not tell their addresses apart."
                        help_ = "Give each cluster of an environment ranges of its own."
                        found.setdefault((place[2], message), problem("ranges", message, place[2], help_))
                seen.append(place)
    yield from found.values()
    yield from _beside_the_network(config)


def _written(config: Config, cluster: Cluster) -> Iterator[Finding]:
    """Each range is one, the site exists, and the two say the same."""
    site = config.network.sites.get(cluster.site)
    if cluster.site and site is None:
        yield unknown("site", cluster.site, config.network.sites, cluster.marks.of("site"))
    for key, text, other in (
        ("pod_cidr", cluster.pod_cidr, site.pods if site else ""),
        ("service_cidr", cluster.service_cidr, site.services if site else ""),
    ):
        if not text:
            continue
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            yield problem("value", f"{error}.", cluster.marks.of(key))
            continue
        if other and other != text:
            message = f"the '{key}' of {cluster.name} is {text}, and its site {cluster.site} routes {other}."
            yield problem("ranges", message, cluster.marks.of(key), "Leave it out, and the site's counts.")


def _places(config: Config, cluster: Cluster) -> Iterator[Place]:
    """Give a cluster's ranges that can be read."""
    keys = zip(("pods", "Services"), ("pod_cidr", "service_cidr"), config.ranges_of(cluster), strict=True)
    for what, key, text in keys:
        found = network(text)
        if found is not None:
            yield found, f"the {what} of {cluster.name} ({text})", cluster.marks.of(key)


def _beside_the_network(config: Config) -> Iterator[Finding]:
    """A cluster in a VPN site has ranges that are no other site's, and no site's private subnets."""
    routed: list[tuple[Network, str, str]] = []  # the network, whose it is, the site whose cluster may have it
    for site in config.network.sites.values():
        own = [(text, "") for text in site.subnets] + [(site.pods, site.name), (site.services, site.name)]
        for text, owner in own:
            found = network(text)
            if found is not None:
                routed.append((found, f"{text} of the site {site.name}", owner))
    tunnels = network(config.network.tunnels)
    if tunnels is not None:
        routed.append((tunnels, f"the VPN's own range {config.network.tunnels}", ""))
    for cluster in config.clusters.values():
        if cluster.site not in config.network.sites:
            continue
        for range_, words, position in _places(config, cluster):
            for other, whose, owner in routed:
                if owner != cluster.site and overlap(range_, other):
                    yield problem("ranges", f"{words} overlap {whose}; packets would not find their way.", position)


def rancher(config: Config) -> Iterator[Finding]:
    """Rancher's certificate is in the repository; a cluster that it is to make has one, and in its pools every role."""
    yield from outside(config.rancher.ca, config.rancher.marks.of("ca"))
    for cluster in config.clusters.values():
        if cluster.rke2 is None:
            continue
        if not config.rancher.url:
            message = f"{cluster.name} is to be made by Rancher, and nothing says where that is."
            yield problem("rancher", message, cluster.marks.of("rke2"), "Give 'rancher: {url: …}'.")
        pools = cluster.rke2.pools.values()
        missing = [role.value for role in PoolRole if pools and not any(role in pool.roles for pool in pools)]
        if missing:
            message = f"no pool of {cluster.name} has the role {' or '.join(repr(each) for each in missing)}."
            yield problem("rancher", message, cluster.rke2.marks.of("pools"), "A cluster needs all three.")
        for key in ("cluster-cidr", "service-cidr", "cni"):
            if key in cluster.rke2.settings:
                message = f"'{key}' of {cluster.name} stands in 'settings'."
                help_ = "mcci writes it, from 'pod_cidr', 'service_cidr' and 'cni'."
                yield problem("rancher", message, cluster.rke2.marks.item("settings", key), help_)
