"""Measurements, judged."""

from __future__ import annotations

from typing import Any

from mcci.network.measured import Limits, Measured, judge
from tests.unit.network import networks

PLAN = networks.plan()
DAYS = {"certificate": 364.0, "authority": 3000.0, "revoked": 364.0}


def pair(name: str, **changes: Any) -> dict[str, Any]:
    """Return what a site reports of another."""
    networks_of = {"aws": ["10.1.0.0/16", "10.11.0.0/16"], "azure": ["10.2.0.0/16"], "gcp": ["10.3.0.0/16"]}
    routes = [{"to": each, "device": "vpn1", "via": name} for each in networks_of[name]]
    found = {"peer": name, "address": "10.1.0.1", "routes": routes, "probes": {}, "loss": 0.0, "rtt": 1.5, "mtu": 1420}
    return found | {"mbits": 200.0} | changes


def judged(pairs: dict[str, list[dict[str, Any]]], **days: float | None) -> Measured:
    """Judge these reports; every site says `days` of its certificates."""
    sites = {each.name: {"address": "10.1.0.1", **DAYS, **days} for each in PLAN.members if each.name in pairs}
    return judge(PLAN, sites, pairs, Limits())


def reports(**changes: Any) -> dict[str, list[dict[str, Any]]]:
    """Return good reports of all, but what aws says of azure."""
    names = [each.name for each in PLAN.members]
    found = {one: [pair(other) for other in names if other != one] for one in names}
    found["aws"][0] |= changes
    return found


def problems(found: Measured) -> list[str]:
    """Return every problem."""
    return [each for pair in found.pairs for each in pair.problems] + [e for site in found.sites for e in site.problems]


def test_all_well() -> None:
    """Six pairs without a problem."""
    found = judged(reports())
    assert found.good
    assert [each.way for each in found.pairs] == ["direct"] * 6


def test_each_measurement_can_fail() -> None:
    """Loss, silence, a small MTU, no throughput, no route and a silent API server are each a problem."""
    assert problems(judged(reports(loss=10.0))) == ["10 % of the packets are lost"]
    assert problems(judged(reports(loss=100.0))) == ["azure does not answer"]
    assert problems(judged(reports(mtu=900))) == ["packets of more than 900 bytes do not come through"]
    assert problems(judged(reports(mbits=None))) == ["the throughput could not be measured"]
    lost = [{"to": "10.2.0.0/16", "device": "eth0", "via": ""}]
    assert problems(judged(reports(routes=lost))) == ["10.2.0.0/16 is not routed into the VPN"]
    assert problems(judged(reports(probes={"10.2.0.9:6443": False}))) == ["azure's 10.2.0.9:6443 does not answer"]


def test_transit_is_no_problem_but_said() -> None:
    """A way by the third site is good, and the route says so."""
    found = judged(reports(routes=[{"to": "10.2.0.0/16", "device": "vpn3", "via": "gcp"}]))
    assert found.good
    assert found.pairs[0].way == "by gcp"


def test_certificates_that_end_soon() -> None:
    """One that ends within the limit, has ended or is missing is a problem of each site."""
    assert problems(judged(reports(), certificate=10.0))[0] == "its certificate ends in 10 days"
    assert problems(judged(reports(), revoked=-1.0))[0] == "the list of revoked certificates has ended"
    assert problems(judged(reports(), authority=None))[0] == "the authority's certificate is missing"


def test_a_site_that_is_not_reached() -> None:
    """Without a report of gcp, gcp and what it would have measured are problems: nothing is taken for good."""
    partial = {name: found for name, found in reports().items() if name != "gcp"}
    assert sorted(set(problems(judged(partial)))) == ["gcp could not be asked", "it could not be reached"]
