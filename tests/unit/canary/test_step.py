"""Steps: what moves the weights in every cluster, what holds them, and what gives them back."""

from __future__ import annotations

from mcci.canary.state import Action
from mcci.canary.step import step
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SETTINGS, Judge, World


def test_moves_every_cluster() -> None:
    """A step brings the weight to every config cluster, and says who did it."""
    world = World()
    world.deploy()
    outcome = step(world.site(), 10, SETTINGS, Judge())
    assert world.share() == [10, 10]
    assert outcome.changed
    for name in world.names:
        state = world.state(name)
        assert (state.step, state.weights, state.intent) == (10, {V1: 90, V2: 10}, None)
        assert [entry.action for entry in state.history] == [Action.BEGIN, Action.STEP]
        assert state.history[-1].actor.who == "anna"
