"""The addresses of clusters that are to be one mesh: what each says of itself, and where two say the same. Pure.

In a flat network a packet finds its way by its address alone, and a mesh over several networks still tells services
and pods apart by theirs: clusters of one environment share no address.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_network
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mcci.config.networks import Network, inside, overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a cluster shows of its ranges: whole ones, or parts of them such as a node's; none where it shows nothing.

    `whole` says which of the two, for pods and for Services.
    """

    pods: tuple[Network, ...] = ()
    services: tuple[Network, ...] = ()
    whole: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """A cluster's ranges: as mcci.yml declares them (None: it does not), and as the cluster reports them."""

    name: str
    pods: Network | None = None
    services: Network | None = None
    reported: Reported = Reported()

    @property
    def all(self) -> dict[str, tuple[Network, ...]]:
        """Every range it is known to have, by whose it is."""
        found = {"pods": (self.pods, self.reported.pods), "Services": (self.services, self.reported.services)}
        return {what: _together([*([said] if said else []), *seen]) for what, (said, seen) in found.items()}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The keys of mcci.yml that nothing tells: neither they themselves, nor the cluster."""
        keys = zip(("pod_cidr", "service_cidr"), (self.pods, self.services), self.reported.whole, strict=True)
        return tuple(key for key, said, whole in keys if said is None and not whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """What is wrong between clusters, or between one and mcci.yml; and what to do."""

    clusters: tuple[str, ...]
    message: str
    help: str


def clashes(clusters: Mapping[str, Ranges], groups: Iterable[Sequence[str]]) -> tuple[Clash, ...]:
    """Return where clusters of one group (an environment) overlap, and where a cluster is not as it is declared."""
    found = [each for one in clusters.values() for each in _undeclared(one)]
    pairs = {tuple(sorted(pair)) for group in groups for pair in combinations(dict.fromkeys(group), 2)}
    for first, second in sorted(pairs):
        if first in clusters and second in clusters:
            found += _between(clusters[first], clusters[second])
    return tuple(found)


def _undeclared(one: Ranges) -> Iterator[Clash]:
    for what, key, said, seen in (
        ("pods", "pod_cidr", one.pods, one.reported.pods),
        ("Services", "service_cidr", one.services, one.reported.services),
    ):
        strange = [str(each) for each in seen if said is not None and not inside(each, said)]
        if strange:
            message = f"the {what} of {one.name} are in {', '.join(strange)}, and mcci.yml says {said}."
            yield Clash(clusters=(one.name,), message=message, help=f"Correct its '{key}', or that of its site.")


def _between(one: Ranges, other: Ranges) -> Iterator[Clash]:
    for what, first in one.all.items():
        for whose, second in other.all.items():
            both = [(here, there) for here in first for there in second if overlap(here, there)]
            if both:
                more = f" (and {len(both) - 1} more)" if len(both) > 1 else ""
                here, there = both[0]
                message = f"the {what} of {one.name} ({here}) overlap the {whose} of {other.name} ({there}){more}."
                help_ = "They cannot be one mesh: one of them needs other ranges, which takes making it anew."
                yield Clash(clusters=(one.name, other.name), message=message, help=help_)


def read(
    nodes: Iterable[Any], pools: Iterable[Any], service_ranges: Iterable[Any], kubeadm: Any, kubernetes: Any
) -> Reported:
    """Return what a cluster's objects say of its ranges; each may be None, or what the API gives.

    A whole range is in Calico's IPPools, the ServiceCIDRs (Kubernetes 1.33) and kubeadm's configuration. Else the nodes
    have parts of the pods' range, and the Service `kubernetes` has the first address of the Services'.
    """
    said = _kubeadm(kubeadm)
    whole_pods = _networks(_at(pool, "spec", "cidr") for pool in pools if not _at(pool, "spec", "disabled"))
    whole_pods = whole_pods or _networks(said.get("podSubnet", "").split(","))
    pods = whole_pods or _networks(part for node in nodes for part in _at(node, "spec", "podCIDRs") or ())
    listed = (each for found in service_ranges for each in _at(found, "spec", "cidrs") or ())
    whole_services = _networks(listed) or _networks(said.get("serviceSubnet", "").split(","))
    services = whole_services or _networks(_at(kubernetes, "spec", "clusterIPs") or ())
    return Reported(pods=pods, services=services, whole=(bool(whole_pods), bool(whole_services)))


def _kubeadm(config_map: Any) -> dict[str, str]:
    """Return `networking` of kubeadm's ClusterConfiguration, where a cluster was made by kubeadm."""
    import yaml

    try:
        document = yaml.safe_load(_at(config_map, "data", "ClusterConfiguration") or "")
    except yaml.YAMLError:
        return {}
    found = _at(document, "networking")
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _networks(texts: Iterable[Any]) -> tuple[Network, ...]:
    found = []
    for text in texts:
        try:
            found += [ip_network(str(text).strip())] if text else []
        except ValueError:
            continue  # somebody else's mistake, or a form that is not ours to read
    return _together(found)


def _together(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Return networks, sorted, neighbours made one."""
    every = list(networks)
    return (
        *collapse_addresses(each for each in every if each.version == 4),
        *collapse_addresses(each for each in every if each.version == 6),
    )


def _at(body: Any, *keys: str) -> Any:
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body
