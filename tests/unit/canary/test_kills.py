"""kill -9 at every write of step, promote and abort, on 1, 2 and 4 clusters: the next job resumes or takes back."""

from __future__ import annotations

import pytest

from mcci.canary.state import Action, Phase
from mcci.errors import McciError
from tests.unit.canary.kills import COMMANDS, do_abort, do_promote, free, killed, prepared, run, to
from tests.unit.canary.objects import V2
from tests.unit.canary.world import World
from tests.unit.clusters.fake_api import Script

COUNTS = [2, pytest.param(1, marks=pytest.mark.faults), pytest.param(4, marks=pytest.mark.faults)]
every_count = pytest.mark.parametrize("clusters", COUNTS)


def writes_of(clusters: int, name: str) -> int:
    """How many writes a command makes when nothing happens to it."""
    weight, command = COMMANDS[name]
    world, script = prepared(clusters, weight), Script()
    run(world, command, script)
    return len(script.writes)


def points(clusters: int, name: str) -> list[tuple[int, bool]]:
    """Every point at which a command may die: before each write, and after it."""
    return [(write, after) for write in range(1, writes_of(clusters, name) + 1) for after in (False, True)]


def sums_to_100(world: World) -> None:
    """`traffic` itself refuses weights that do not sum to 100."""
    for name in world.names:
        world.traffic(name)


def dead_at(clusters: int, name: str, write: int, *, after: bool) -> World:
    """A world in which a command was killed at a write."""
    weight, command = COMMANDS[name]
    world = prepared(clusters, weight)
    assert killed(world, command, write, after=after)
    sums_to_100(world)
    free(world)
    return world


def settled(world: World) -> None:
    """All copies of the state agree, no intent is left, and the weights are what it says."""
    state = world.state()
    for name in world.names:
        assert world.state(name) == state
        assert {version: weight for version, weight in world.traffic(name).items() if weight} == {
            version: weight for version, weight in state.weights.items() if weight
        }
    assert state.intent is None


@every_count
@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_finishes(name: str, clusters: int) -> None:
    """The same job, run again, ends where it would have ended, and the history has its action once."""
    expected = {"step": 25, "promote": 100, "abort": 0}[name]
    for write, after in points(clusters, name):
        world = dead_at(clusters, name, write, after=after)
        run(world, COMMANDS[name][1])
        settled(world)
        assert world.share() == [expected] * clusters, (write, after)
        taken = [entry for entry in world.state().history if entry.action is Action(name) and entry.step != 10]
        assert len(taken) == 1, (write, after, world.state().history)


@every_count
@pytest.mark.parametrize("name", COMMANDS)
def test_abort_gives_all_traffic_back(name: str, clusters: int) -> None:
    """Whatever was killed, and wherever, an abort ends with all traffic on the stable version."""
    for write, after in points(clusters, name):
        world = dead_at(clusters, name, write, after=after)
        run(world, do_abort)
        settled(world)
        assert world.share() == [0] * clusters, (write, after)
        assert world.state().phase is Phase.ABORTED


@every_count
def test_another_step_takes_back_what_was_begun(clusters: int) -> None:
    """A job with another goal brings every cluster back to one set of weights before it does its own."""
    for write, after in points(clusters, "step"):
        world = dead_at(clusters, "step", write, after=after)
        with pytest.raises(McciError, match=r"was not taken yet|bakes for"):
            to(50)(world.site())
        settled(world)
        assert world.share() in ([10] * clusters, [25] * clusters)


@every_count
def test_a_killed_promotion_never_moves_traffic(clusters: int) -> None:
    """At every point of a killed promotion the canary has all the traffic, and a new promotion ends it."""
    for write, after in points(clusters, "promote"):
        world = dead_at(clusters, "promote", write, after=after)
        assert world.share() == [100] * clusters
        run(world, do_promote)
        assert world.state().stable == V2
