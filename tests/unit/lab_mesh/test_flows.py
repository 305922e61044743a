"""Traffic between two looks at the Envoys: by caller's cluster and version, with what failed."""

from __future__ import annotations

from mcci.clients.envoy_counts import Count
from mcci.lab import flows
from mcci.lab.flows import Look, Reading, Target, between

V1, V2, ALL = (Target(service="web", namespace="shop", version=version) for version in ("v1", "v2", ""))
IDLE = Target(service="idle", namespace="shop", version="")
MESHES = {"a": "production", "b": "production"}


def look(v1: int, v2: int, failed: int = 0, *, canary: int = 10) -> Look:
    """Return what an Envoy says."""
    return Look(
        counts={V1: Count(requests=v1), V2: Count(requests=v2, failed=failed), ALL: Count(), IDLE: Count()},
        weights={V1: 100 - canary, V2: canary},
        places={V1: ("a",), V2: ("b",)},
    )


def test_shares_are_a_clusters_own() -> None:
    """Each caller's cluster has its own shares; a service without requests is left out; rates are over the time."""
    before = Reading(at=10.0, looks={"a": look(100, 10), "b": look(0, 0)})
    after = Reading(at=12.0, looks={"a": look(190, 20), "b": look(50, 50, canary=50)})
    (found,) = between(before, after, MESHES)
    assert [(each.cluster, each.version, each.weight, each.requests, found.share(each)) for each in found.flows] == [
        ("a", "v1", 90, 90, 0.9), ("a", "v2", 10, 10, 0.1), ("b", "v1", 50, 50, 0.5), ("b", "v2", 50, 50, 0.5),
    ]  # fmt: skip
    assert (found.requests, found.failed, found.rate(found.requests)) == (200, 0, 100.0)
    assert found.flows[1].answered_in == ("b",)


def test_an_envoy_that_began_anew() -> None:
    """A counter that is smaller than before counts from 0; one whose Envoy said nothing before, from now."""
    before = Reading(at=0.0, looks={"a": look(1000, 1000)})
    after = Reading(at=1.0, looks={"a": look(7, 3), "b": look(500, 500)})
    (found,) = between(before, after, MESHES)
    assert [each.requests for each in found.flows] == [7, 3, 0, 0]


def test_nobody_to_answer() -> None:
    """A request that no pod was there for is a request, and failed."""
    before, after = Reading(at=0.0, looks={"a": look(0, 0)}), Reading(at=1.0, looks={"a": look(9, 0, failed=3)})
    (found,) = between(before, after, MESHES)
    assert [(each.requests, each.failed) for each in found.flows] == [(9, 0), (3, 3)]


def test_one_service() -> None:
    """A service that is named is told without requests, too."""
    reading = Reading(at=0.0, looks={"a": look(0, 0)})
    assert between(reading, reading, MESHES) == ()
    (found,) = between(reading, Reading(at=1.0, looks=reading.looks), MESHES, "web")
    assert [(each.version, found.share(each)) for each in found.flows] == [("v1", None), ("v2", None)]


def test_weights_are_the_last_routes() -> None:
    """Testers' routes stand before the one that all others take, and are not its weights."""
    name = "outbound|8080|{}|web.shop.svc.cluster.local".format
    splits = [{name("v2"): 100}, {name("v1"): 90, name("v2"): 10}, {"outbound|80||other.shop.svc.cluster.local": 100}]
    found = flows._weights(splits)
    assert (found[V1], found[V2]) == (90, 10)
