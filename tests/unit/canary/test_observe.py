"""Waiting until proxies have the weights: what Envoys say, and what is said when they do not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mcci.canary.clusters import observe
from mcci.canary.guards import OnHold
from mcci.canary.state import State
from mcci.clients import envoy
from tests.unit.canary.kills import prepared
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import Clock

HOST = "staff-service.vehicles.svc.cluster.local"


def dump(*routes: Any) -> Any:
    """A configuration dump with these routes, as deep as Envoy has them."""
    found = [{"name": "r", "route": route} for route in routes]
    return {"configs": [{"dynamic_route_configs": [{"route_config": {"virtual_hosts": [{"routes": found}]}}]}]}


def cluster(version: str, host: str = HOST) -> str:
    """The name of a cluster, as Istio and the lab's mesh make it."""
    return f"outbound|80|{version}|{host}"


def split(weights: dict[str, int]) -> Any:
    """A weighted route."""
    clusters = [{"name": cluster(version), "weight": weight} for version, weight in weights.items()]
    return {"weighted_clusters": {"clusters": clusters, "total_weight": 100}}


TESTERS = {"cluster": cluster(V2)}
OTHER = {"weighted_clusters": {"clusters": [{"name": cluster(V1, "other.vehicles.svc"), "weight": 100}]}}


@pytest.mark.parametrize(
    ("weights", "routes", "expected"),
    [
        ({V1: 90, V2: 10}, [TESTERS, split({V1: 90, V2: 10}), OTHER], True),
        ({V1: 90, V2: 10}, [TESTERS, split({V1: 100, V2: 0}), OTHER], False),
        ({V1: 100, V2: 0}, [TESTERS, {"cluster": cluster(V1)}], True),  # Istio leaves out what has no weight
        ({V1: 0, V2: 100}, [TESTERS, split({V1: 50, V2: 50})], False),  # the testers' route is not the weights'
        ({V1: 0, V2: 100}, [TESTERS, {"cluster": cluster(V2)}], True),
        ({V1: 75, V2: 25}, [split({V1: 75, V2: 25}), split({V1: 90, V2: 10})], False),  # a listener lags
        ({V1: 75, V2: 25}, [{"weighted_clusters": {"clusters": [
            {"name": cluster(V1), "weight": 3}, {"name": cluster(V2), "weight": 1}]}}], True),
    ],
)  # fmt: skip
def test_reads_what_an_envoy_routes_by(
    monkeypatch: pytest.MonkeyPatch, weights: dict[str, int], routes: list[Any], expected: bool
) -> None:
    """A proxy has the weights when a route of the service has them and none has others."""
    monkeypatch.setattr(envoy, "splits", lambda url: tuple(envoy.found(dump(*routes))))
    state = prepared(1, 10).state()
    found = observe.Proxy(url="http://x", namespace="vehicles").has(replace(state, weights=weights), 0.0)
    assert found is expected


def test_a_proxy_without_the_service_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Envoy that knows no version of the service is no witness."""
    monkeypatch.setattr(envoy, "splits", lambda url: tuple(envoy.found(dump(OTHER))))
    with pytest.raises(envoy.ProxyFailed, match="has no route to a version of staff-service"):
        observe.Proxy(url="http://x", namespace="vehicles").has(prepared(1, 10).state(), 0.0)


@dataclass
class Witness:
    """Says yes from some second on, or fails."""

    clock: Clock
    after: float = 0.0
    certain: bool = True
    fails: bool = False
    name: str = "the witness"
    patience: float = 5.0
    asked: list[float] = field(default_factory=list)

    def has(self, state: State, now: float) -> bool:
        self.asked.append(now)
        if self.fails:
            raise envoy.ProxyFailed("gone")
        return self.clock.seconds >= self.after


def test_waits_until_all_have_it() -> None:
    """It waits no longer than it must, and says how long that was."""
    clock = Clock()
    lines = observe.wait([Witness(clock, 1.0), Witness(clock, 0.5)], prepared(1, 10).state(), clock)
    assert lines == ("the witness has the weights after 1.0 s", "the witness has the weights after 0.0 s")


def test_a_proxy_that_does_not_take_them_holds_the_canary() -> None:
    """A certain no is a hold; a witness that cannot be asked, or has seen too little, is only told of."""
    clock, state = Clock(), prepared(1, 10).state()
    with pytest.raises(OnHold, match="the weights are written, but the witness does not show the weights after 5 s"):
        observe.wait([Witness(clock, 99.0)], state, clock)
    lines = observe.wait([Witness(clock, fails=True), Witness(clock, 999.0, certain=False)], state, clock)
    assert lines == (
        "the witness does not show the weights after 5 s: gone",
        "the witness does not show the weights after 5 s",
    )
