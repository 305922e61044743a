"""How a canary ends: promoted, or with all traffic given back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcci.canary.actions.abort import abort
from mcci.canary.actions.promote import promote
from mcci.canary.actions.step import step
from mcci.canary.guards import OnHold
from mcci.canary.plan import NoCanary, NotInPlan
from mcci.canary.state import Phase
from mcci.canary.verdict import Verdict
from mcci.clients.kubernetes.api import POD, Unreachable
from mcci.config.model import Duration
from mcci.errors import ExitCode
from tests.unit.canary.kills import prepared
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SETTINGS, Judge, World, pod
from tests.unit.clusters.fake_api import Fault, Script


def test_promotion() -> None:
    """The canary becomes the stable version, no weight moves, the old one is kept; before 100 it is refused."""
    world = prepared(2, 50)
    with pytest.raises(NotInPlan, match=r"has 50 % of the traffic.*step staff-service --to 100"):
        promote(world.site(), SETTINGS, Judge())
    world = prepared(2, 100)
    world.clock.seconds += 601
    promote(world.site(), replace(SETTINGS, rollback_window=Duration(60)), Judge())
    state = world.state()
    assert (state.stable, state.canary, state.previous, world.share()) == (V2, "", V1, [100, 100])
    assert state.keep_until is not None
    assert (state.keep_until - state.since).total_seconds() == 60
    assert not promote(world.site(), SETTINGS, Judge()).changed
    with pytest.raises(NoCanary, match=f"all traffic goes to {V2}"):
        step(world.site(), 10, SETTINGS, Judge())


@pytest.mark.parametrize(("verdict", "share"), [(Verdict.FAIL, 0), (Verdict.INCONCLUSIVE, 100)])
def test_a_promotion_that_fails(verdict: Verdict, share: int) -> None:
    """A bad canary is given up, one that is not known to be good keeps what it has; neither is promoted."""
    world = prepared(2, 100)
    world.clock.seconds += 601
    if verdict is Verdict.FAIL:
        assert promote(world.site(), SETTINGS, Judge(verdict)).code is ExitCode.ROLLED_BACK
    else:
        with pytest.raises(OnHold):
            promote(world.site(), SETTINGS, Judge(verdict))
    assert (world.state().stable, world.share()) == (V1, [share, share])


def test_an_abort_without_the_canarys_cloud() -> None:
    """The cluster with the canary's pods is lost: a step changes nothing, an abort needs it not."""
    world = World(names=("prod-aws",), others=("prod-azure",))
    world.deploy()
    step(world.site(), 10, SETTINGS, Judge())
    said: list[str] = []
    lost = world.site(
        Script(faults=[Fault(error=Unreachable("gone"), cluster="prod-azure", times=1000)]), log=said.append
    )
    world.clock.seconds += 601
    with pytest.raises(Unreachable, match="nothing was changed; `--without prod-azure`"):
        step(lost, 25, SETTINGS, Judge())
    assert world.share() == [10]
    assert abort(lost).changed
    assert (world.share(), world.state().phase) == ([0], Phase.ABORTED)
    assert world.state().history[-1].without == ("prod-azure",)
    assert any(line.startswith("prod-azure holds no weights and is left out") for line in said)


def test_an_abort_never_goes_to_a_broken_side() -> None:
    """Traffic stays where it is served while the stable version has no ready pod; one ready pod must do."""
    world = prepared(2, 50)
    world.pods(V1, 0)
    with pytest.raises(OnHold, match=f"{V1} has 0 ready pods"):
        abort(world.site())
    assert world.share() == [50, 50]
    world.api("prod-azure").put(POD, pod("one", V1))
    abort(world.site())
    assert world.share() == [0, 0]


def test_an_abort_down_the_plan() -> None:
    """A gradual abort goes down the plan's weights and waits between them; then the canary is over."""
    world = prepared(2, 50)
    begun = world.clock.seconds
    abort(world.site(), pause=5)
    assert [entry.weights[V2] for entry in world.state().history[-3:]] == [25, 10, 0]
    assert (world.state().phase, world.clock.seconds - begun) == (Phase.ABORTED, 10)


def test_an_abort_after_a_promotion() -> None:
    """Until it is retired, the version before takes the traffic back."""
    world = prepared(2, 100)
    world.clock.seconds += 601
    promote(world.site(), SETTINGS, Judge())
    abort(world.site())
    state = world.state()
    assert (state.stable, state.canary, state.phase, world.share()) == (V1, V2, Phase.ABORTED, [0, 0])
    assert not abort(world.site()).changed
