"""What goes through a lab's meshes: each service's requests by the caller's cluster and by version."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.clients import envoy, envoy_counts
from mcci.clients.envoy import ProxyFailed
from mcci.clients.envoy_counts import Count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcci.lab.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A version of a service as an Envoy knows it; `version` is empty where requests go to all of them alike."""

    service: str
    namespace: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one Envoy said: its counts, the weights that it routes by, and the clusters of the pods behind each."""

    counts: Mapping[Target, Count]
    weights: Mapping[Target, int]
    places: Mapping[Target, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All Envoys at a moment (`time.monotonic`), by cluster; and what is wrong with those that said nothing."""

    at: float
    looks: Mapping[str, Look]
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Requests from one cluster to one version; `weight` is what its Envoy routes by, None where no route names it."""

    cluster: str
    version: str
    weight: int | None
    requests: int
    failed: int
    answered_in: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A service's requests in one mesh over some seconds."""

    service: str
    namespace: str
    mesh: str
    seconds: float
    flows: tuple[Flow, ...]

    @property
    def requests(self) -> int:
        """All of them."""
        return sum(each.requests for each in self.flows)

    @property
    def failed(self) -> int:
        """Those that callers got a 5xx for."""
        return sum(each.failed for each in self.flows)

    def share(self, flow: Flow) -> float | None:
        """Return a flow's share of its cluster's requests, 0 to 1; None where there were none."""
        of_cluster = sum(each.requests for each in self.flows if each.cluster == flow.cluster)
        return flow.requests / of_cluster if of_cluster else None

    def rate(self, requests: int) -> float:
        """Return requests a second."""
        return requests / self.seconds if self.seconds else 0.0


def read(proxies: Mapping[str, str], plan: Plan) -> Reading:
    """Ask the Envoys at `proxies` (a cluster's name → its admin pages). What one does not tell is a problem."""
    looks, problems = {}, {}
    at = time.monotonic()
    for cluster, url in proxies.items():
        try:
            looks[cluster] = _look(url, plan)
        except ProxyFailed as error:
            problems[cluster] = str(error)
    return Reading(at=at, looks=looks, problems=problems)


def between(before: Reading, after: Reading, meshes: Mapping[str, str], service: str = "") -> tuple[Traffic, ...]:
    """Return the traffic between two readings, of one service or of all; `meshes` is each cluster's mesh.

    Without a service those are left out that had no request.
    """
    found: dict[tuple[str, str, str], list[Flow]] = {}
    for cluster, look in after.looks.items():
        earlier = before.looks.get(cluster)
        for target in sorted({*look.counts, *look.weights}, key=lambda each: (each.service, each.version)):
            flow = _flow(cluster, target, look, earlier)
            if flow.requests or flow.weight is not None or flow.version:
                found.setdefault((target.service, target.namespace, meshes[cluster]), []).append(flow)
    traffic = (
        Traffic(service=name, namespace=namespace, mesh=mesh, seconds=after.at - before.at, flows=tuple(flows))
        for (name, namespace, mesh), flows in sorted(found.items())
    )
    return tuple(each for each in traffic if each.service == service or (not service and each.requests))


def _flow(cluster: str, target: Target, look: Look, earlier: Look | None) -> Flow:
    now = look.counts.get(target, Count())
    then = earlier.counts.get(target, Count()) if earlier else now
    failed = _grown(then.failed, now.failed)
    return Flow(
        cluster=cluster, version=target.version, weight=look.weights.get(target),
        requests=max(_grown(then.requests, now.requests), failed),  # one that no pod was there for is failed alone
        failed=failed, answered_in=look.places.get(target, ()),
    )  # fmt: skip


def _grown(before: int, after: int) -> int:
    """Return by how much a counter has grown; one that is smaller has begun anew, with its Envoy."""
    return after - before if after >= before else after


def _look(url: str, plan: Plan) -> Look:
    counted: dict[Target, Count] = {}
    for name, each in envoy_counts.counts(url).items():
        if target := _target(name):
            known = counted.get(target, Count())
            counted[target] = Count(requests=known.requests + each.requests, failed=known.failed + each.failed)
    places: dict[Target, set[str]] = {}
    for name, addresses in envoy.endpoints(url).items():
        if target := _target(name):
            places.setdefault(target, set()).update(_clusters(addresses, plan))
    return Look(
        counts=counted, weights=_weights(envoy.splits(url)),
        places={target: tuple(sorted(found)) for target, found in places.items()},
    )  # fmt: skip


def _weights(splits: Iterable[Mapping[str, int]]) -> dict[Target, int]:
    """Return the weights of every version. The last route of a service is the one that all but testers take."""
    found: dict[tuple[str, str], dict[Target, int]] = {}
    for split in splits:
        named = {target: weight for name, weight in split.items() if (target := _target(name))}
        if len({(each.service, each.namespace) for each in named}) == 1:
            target = next(iter(named))
            found[target.service, target.namespace] = named
    return {target: weight for named in found.values() for target, weight in named.items()}


def _target(name: str) -> Target | None:
    """Return what a cluster of Envoy stands for, `outbound|8080|v2|staff-service.vehicles.svc.…`."""
    kind, _, rest = name.partition("|")
    _, _, rest = rest.partition("|")
    version, _, host = rest.partition("|")
    parts = host.replace("/", ".").split(".")  # statistics have no dots in it
    return Target(service=parts[0], namespace=parts[1], version=version) if kind == "outbound" and parts[1:] else None


def _clusters(addresses: Iterable[str], plan: Plan) -> Iterator[str]:
    """Yield the clusters of pods by their addresses, which in a lab's own network begin with another number."""
    networks = {name: ipaddress.ip_network(plan.network(name)) for name in plan.clusters}
    for address in addresses:
        local = ipaddress.ip_address("127." + address.partition(".")[2])
        yield from (name for name, network in networks.items() if local in network)
