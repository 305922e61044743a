"""The weights in a VirtualService: read from the object and written into it, and nothing else of it touched. Pure.

A route is ours when it is one that the chart `istio` makes from `weights`: every destination is the service's own host,
with a version's subset and a weight. Whatever else stands there (a redirect, a route to another host, a subset that
somebody named) is another's. A destination without a weight among several has weight 0: Go clients leave out zeros.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.canary.versions import VERSION
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcci.clients.kubernetes.api import Object

PROTOCOLS = ("http", "tcp")
Weights = dict[str, int]


class TrafficError(McciError):
    """The VirtualService is not one whose weights mcci can move."""


class WeightsDiffer(TrafficError):
    """The service's routes do not agree on the weights: somebody has changed one of them."""


class UnknownSubset(TrafficError):
    """A route does not know the version that is to get traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One of our routes: `http[0] primary`, and its weights, which sum to 100."""

    name: str
    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Testers:
    """The subset that requests with this header go to, whatever the weights."""

    header: str
    value: str
    subset: str


def routes(virtual_service: Object, service: str) -> tuple[Route, ...]:
    """Return our routes in their order, http before tcp. Raises `TrafficError` where one does not sum to 100."""
    return tuple(
        Route(name=name, weights=_weights_of(route, name, virtual_service))
        for name, route in _ours(virtual_service, service)
    )


def weights(virtual_service: Object, service: str) -> Weights:
    """Return the weight of each version, in the routes' order, summing to 100.

    Raises `WeightsDiffer` where our routes do not agree, `TrafficError` where there is none or one does not sum to 100.
    """
    found = routes(virtual_service, service)
    if not found:
        raise TrafficError(
            f"{_name(virtual_service)} has no route with versions of {service} and weights. `mcci deploy` writes it."
        )
    first = found[0]
    for other in found[1:]:
        if _positive(other.weights) != _positive(first.weights):
            raise WeightsDiffer(
                f"{_name(virtual_service)}: the routes do not agree: {first.name} has {words(first.weights)}, "
                f"{other.name} has {words(other.weights)}. Somebody changed one: see `mcci canary status {service}`, "
                f"then `mcci canary abort {service}`, or go on with --force."
            )
    return dict(first.weights)


def testers(virtual_service: Object, service: str) -> Testers | None:
    """Return where the first route with a header to match and one version of `service` sends its requests."""
    is_host = _host(virtual_service, service)
    for route in virtual_service.get("spec", {}).get("http") or []:
        destinations = route.get("route") or []
        if len(destinations) != 1 or "weight" in destinations[0]:
            continue
        subset = _subset(destinations[0], is_host)
        headers = [match["headers"] for match in route.get("match") or [] if match.get("headers")]
        if subset and headers:
            header, value = next(iter(headers[0].items()))
            return Testers(header=header, value=str(next(iter(value.values()), "")), subset=subset)
    return None


def moved(virtual_service: Object, service: str, target: Mapping[str, int]) -> Object:
    """Return a copy of `virtual_service` whose every route of ours has the weights of `target`, and all else as it was.

    A version that `target` does not name gets 0. Raises `TrafficError` where `target` is not whole numbers from 0 to
    100 that sum to 100, or there is no route of ours; `UnknownSubset` where a route lacks a version that is to get
    traffic.
    """
    check(target)
    result = deepcopy(virtual_service)
    found = list(_ours(result, service))
    if not found:
        raise TrafficError(f"{_name(virtual_service)} has no route with versions of {service} and weights.")
    for name, route in found:
        known = {destination["destination"]["subset"] for destination in route["route"]}
        for version, weight in target.items():
            if weight and version not in known:
                raise UnknownSubset(
                    f"{_name(virtual_service)}: {name} knows no version {version} of {service}, only "
                    f"{', '.join(sorted(known))}. `mcci deploy` puts it there at weight 0."
                )
        left = dict(target)
        for destination in route["route"]:
            destination["weight"] = left.pop(destination["destination"]["subset"], 0)
    return result


def check(target: Mapping[str, int]) -> None:
    """Raise `TrafficError` unless `target` is whole numbers from 0 to 100 that sum to 100."""
    for version, weight in target.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 100:
            raise TrafficError(f"the weight of {version} is {weight!r}; a weight is a whole number from 0 to 100.")
    if sum(target.values()) != 100:
        raise TrafficError(f"the weights {words(target)} sum to {sum(target.values())}, not to 100.")


def same(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether two sets of weights send the same traffic the same way: a version left out has 0."""
    return _positive(one) == _positive(other)


def words(found: Mapping[str, int]) -> str:
    """Return weights as people read them: `v1 90, v2 10`."""
    return ", ".join(f"{version} {weight}" for version, weight in found.items())


def _host(virtual_service: Object, service: str) -> Callable[[str], bool]:
    """Return what tells the service's host: its name, short or full, or one of `spec.hosts`."""
    namespace = virtual_service.get("metadata", {}).get("namespace", "")
    longer = f"{service}.{namespace}"
    known = {service, longer, *((virtual_service.get("spec") or {}).get("hosts") or [])}
    return lambda host: host in known or host.startswith(f"{longer}.svc")


def _ours(virtual_service: Object, service: str) -> Iterator[tuple[str, Any]]:
    is_host = _host(virtual_service, service)
    spec = virtual_service.get("spec") or {}
    for protocol in PROTOCOLS:
        for number, route in enumerate(spec.get(protocol) or []):
            destinations = route.get("route") or []
            weighted = any("weight" in destination for destination in destinations)
            if weighted and all(VERSION.fullmatch(_subset(each, is_host)) for each in destinations):
                name = route.get("name")
                yield f"{protocol}[{number}]{f' {name}' if name else ''}", route


def _subset(destination: Any, is_host: Callable[[str], bool]) -> str:
    """Return the subset of the service that a destination names; empty where it goes elsewhere."""
    to = destination.get("destination") or {}
    return str(to.get("subset") or "") if is_host(str(to.get("host") or "")) else ""


def _weights_of(route: Any, name: str, virtual_service: Object) -> Weights:
    found: Weights = {}
    for destination in route["route"]:
        subset = destination["destination"]["subset"]
        found[subset] = found.get(subset, 0) + destination.get("weight", 0)
    try:
        check(found)
    except TrafficError as error:
        raise TrafficError(f"{_name(virtual_service)}: {name}: {error}") from error
    return found


def _positive(found: Mapping[str, int]) -> Weights:
    return {version: weight for version, weight in found.items() if weight}


def _name(virtual_service: Object) -> str:
    return f"the VirtualService {virtual_service.get('metadata', {}).get('name', '')}"
