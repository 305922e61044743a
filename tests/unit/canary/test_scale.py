"""Versions get the pods that they need for their share, where a person asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from mcci.canary.actions.step import step
from mcci.canary.guards import OnHold
from mcci.clients.kubernetes.api import AUTOSCALER, DEPLOYMENT, Kind
from mcci.clusters.leases import LeaseLost
from tests.unit.canary.kills import prepared
from tests.unit.canary.objects import V2
from tests.unit.canary.world import SERVICE, SETTINGS, SPACE, Judge
from tests.unit.clusters.fake_api import Script


def deployment(replicas: int, *, autoscaled: bool = False) -> list[tuple[Kind, dict[str, Any]]]:
    """The canary's Deployment, and its autoscaler."""
    name = f"{SERVICE}-{V2}"
    labels = {"app": SERVICE, "version": V2}
    metadata = {"name": name, "namespace": SPACE, "labels": labels}
    found: list[tuple[Kind, dict[str, Any]]] = [(DEPLOYMENT, {"metadata": metadata, "spec": {"replicas": replicas}})]
    if autoscaled:
        spec = {"scaleTargetRef": {"name": name}, "minReplicas": 1, "maxReplicas": 1}
        found.append((AUTOSCALER, {"metadata": metadata, "spec": spec}))
    return found


@pytest.mark.parametrize("autoscaled", [False, True])
def test_scales_first_when_asked(autoscaled: bool) -> None:
    """With too few pods for its share a version gets more, spread over its clusters, before it gets the traffic."""
    world = prepared(2, 50)
    world.clock.seconds += 601
    world.pods(V2, 1)
    for name in world.names:
        for kind, body in deployment(1, autoscaled=autoscaled):
            world.api(name).put(kind, body)
    with pytest.raises(OnHold, match=f"{V2} has 2 ready pods and needs 4"):
        step(world.site(), 100, SETTINGS, Judge())
    script = Script(after=lambda call: world.pods(V2, 2) if call.verb == "merge" else None)
    outcome = step(world.site(script), 100, SETTINGS, Judge(), scale=True)
    assert outcome.lines[:2] == (f"prod-aws: scaled {V2} to 2 pods", f"prod-azure: scaled {V2} to 2 pods")
    assert world.share() == [100, 100]
    kind, field = (AUTOSCALER, "minReplicas") if autoscaled else (DEPLOYMENT, "replicas")
    for name in world.names:
        found = world.api(name).peek(kind, f"{SERVICE}-{V2}", SPACE)
        assert found
        assert found["spec"][field] == 2


def test_scales_without_the_right_to_see_autoscalers() -> None:
    """Where the role is of a project without autoscalers, as `mcci doctor` prints it, the Deployment is scaled."""
    world = prepared(2, 50)
    world.clock.seconds += 601
    world.pods(V2, 1)
    for name in world.names:
        world.clusters[name].denied.add(("list", AUTOSCALER.plural))
        for kind, body in deployment(1):
            world.api(name).put(kind, body)
    script = Script(after=lambda call: world.pods(V2, 2) if call.verb == "merge" else None)
    step(world.site(script), 100, SETTINGS, Judge(), scale=True)
    assert world.share() == [100, 100]


def test_pods_that_do_not_get_ready_are_waited_for_in_vain() -> None:
    """Scaled or not, no traffic goes where no pod is ready."""
    world = prepared(2, 50)
    world.clock.seconds += 601
    world.pods(V2, 0)
    for kind, body in deployment(1):
        world.api("prod-aws").put(kind, body)
    with pytest.raises((OnHold, LeaseLost)):
        step(world.site(), 100, SETTINGS, Judge(), scale=True)
    assert world.share() == [50, 50]
