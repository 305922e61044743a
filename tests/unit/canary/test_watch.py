"""The watch while a weight bakes: it looks often, gives up a bad canary at once, and ends when somebody else acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pytest

from mcci.canary.actions.abort import abort
from mcci.canary.actions.step import step
from mcci.canary.actions.watch import Sample, stay
from mcci.canary.guards import OnHold
from mcci.canary.state import Action, Actor, State
from mcci.canary.verdict import Look, Verdict
from mcci.clients.kubernetes.api import POD
from mcci.errors import ExitCode
from tests.unit.canary.kills import prepared
from tests.unit.canary.objects import V2
from tests.unit.canary.world import SETTINGS, Judge, World, pod


@dataclass
class Turning(Judge):
    """A judge that says fail at a look, and does something before another."""

    fails_at: int = 0
    at: int = 0
    world: World | None = None
    seen: list[State] = field(default_factory=list)

    def look(self, state: State, troubles: tuple[str, ...], now: datetime) -> Look:
        found = super().look(state, troubles, now)
        self.seen.append(state)
        if self.looks == self.at and self.world:
            abort(self.world.site(actor=Actor(who="otto")))
        return Look(verdict=Verdict.FAIL, reasons=("worse",)) if self.looks == self.fails_at else found


def test_looks_every_ten_seconds_until_it_has_baked() -> None:
    """A good canary is watched for its bake time, and what was learnt is kept."""
    world = prepared(2, 25)
    judge = Judge(more={"judged": {"learnt": 2}})
    samples: list[Sample] = []
    begun = world.clock.seconds
    outcome = stay(world.site(), world.state(), judge, 3600, bake=600, seen=samples.append)
    assert (outcome.code, judge.looks, world.clock.seconds - begun) == (ExitCode.DONE, 61, 600)
    assert (world.state().judged, world.state().verdict, len(samples)) == ({"learnt": 2}, "pass", 61)
    assert samples[0].weight == 25


def test_gives_a_bad_canary_up_at_once() -> None:
    """At the look that finds it worse the traffic goes back, long before the bake time is over."""
    world = prepared(2, 25)
    begun = world.clock.seconds
    outcome = stay(world.site(), world.state(), Turning(fails_at=4), 3600, bake=600)
    assert (outcome.code, world.share(), world.clock.seconds - begun) == (ExitCode.ROLLED_BACK, [0, 0], 30)
    assert world.state().history[-1].action is Action.ABORT


def test_sees_a_pod_that_restarts() -> None:
    """A pod that restarts while its version is watched ends it at the next look."""
    world = prepared(2, 25)
    world.api("prod-aws").put(POD, pod(f"{V2}-1", V2, restarts=1))
    outcome = stay(world.site(), world.state(), Judge(), 3600, bake=600)
    assert (outcome.code, world.share()) == (ExitCode.ROLLED_BACK, [0, 0])


def test_ends_when_somebody_aborts() -> None:
    """The lock is free meanwhile: a person's abort is taken, and the watch says so with exit code 4."""
    world = prepared(2, 25)
    outcome = stay(world.site(), world.state(), Turning(at=3, world=world), 3600, bake=600)
    assert outcome.code is ExitCode.ROLLED_BACK
    assert outcome.lines[0].startswith("otto did abort meanwhile")


def test_holds_without_evidence() -> None:
    """What is still inconclusive at the end is on hold: exit code 5, the weight stays."""
    world = prepared(2, 25)
    with pytest.raises(OnHold, match="verdict: inconclusive"):
        stay(world.site(), world.state(), Judge(Verdict.INCONCLUSIVE), 100, bake=600)
    assert world.share() == [25, 25]


def test_ends_in_time_for_the_job() -> None:
    """A job that has less time than the bake time ends well, and leaves the rest to the next."""
    world = prepared(2, 25)
    begun = world.clock.seconds
    assert stay(world.site(), world.state(), Judge(), 45, bake=600).code is ExitCode.DONE
    assert world.clock.seconds - begun == 45


def test_goes_on_from_a_step_just_taken() -> None:
    """The state that a step returns is the one that it wrote, to the millisecond that is kept."""
    world = World()
    world.deploy()
    world.clock.seconds += 0.123456
    taken = step(world.site(), 10, SETTINGS, Judge())
    assert taken.state == world.state()
    judge = Judge()
    stay(world.site(), taken.state, judge, 100, bake=600)
    assert judge.looks == 11
