"""Steps: what moves the weights in every cluster, what holds them, and what gives them back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mcci.canary.actions.abort import abort
from mcci.canary.actions.judge import judge_now
from mcci.canary.actions.promote import promote
from mcci.canary.actions.step import patiently, step
from mcci.canary.clusters.session import ForeignEdit
from mcci.canary.guards import Busy, OnHold, Stale
from mcci.canary.plan import NoCanary, NotInPlan
from mcci.canary.state import Action, Actor
from mcci.canary.verdict import Verdict
from mcci.clients.kubernetes.api import CONFIG_MAP, LEASE, POD, VIRTUAL_SERVICE
from mcci.config.model import Gate
from mcci.errors import ExitCode, UsageError
from tests.unit.canary.kills import prepared
from tests.unit.canary.objects import ANNA, V1, V2, virtual_service
from tests.unit.canary.world import SERVICE, SETTINGS, SPACE, Judge, World, pod
from tests.unit.clusters.fake_api import Script


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


def test_asks_a_cluster_twelve_times_at_most() -> None:
    """The leader gets twelve requests, lock and all; the others ten, a dry run among them."""
    world, script = World(names=("a", "b", "c")), Script()
    world.deploy()
    step(world.site(script), 10, SETTINGS, Judge())
    counts = {name: sum(call.cluster == name for call in script.calls) for name in world.names}
    assert counts == {"a": 12, "b": 9, "c": 9}


def test_all_clusters_are_asked_before_one_is_changed() -> None:
    """A cluster that would refuse the write stops the step before the first weight."""
    world = World()
    world.deploy()
    world.api("prod-azure").put(VIRTUAL_SERVICE, virtual_service({V1: 100}))
    with pytest.raises(Exception, match=f"prod-azure: .* knows no version {V2}"):
        step(world.site(), 10, SETTINGS, Judge())
    assert world.traffic("prod-aws")[V2] == 0
    assert world.state().intent is None


@pytest.mark.parametrize("steps", [(10, 50), (100,), (25,)])
def test_an_undone_step_needs_force(steps: tuple[int, ...]) -> None:
    """Going past a step of the plan is refused; by force it is done, and stands in the history."""
    world = World()
    world.deploy()
    *before, last = steps
    for each in before:
        step(world.site(), each, SETTINGS, Judge())
        world.clock.seconds += 601
    with pytest.raises(NotInPlan, match="was not taken yet"):
        step(world.site(), last, SETTINGS, Judge())
    step(world.site(), last, SETTINGS, Judge(), force=True)
    assert world.share() == [last, last]
    assert "was not taken yet" in world.state().history[-1].forced[0]


def test_a_job_that_is_run_again_never_goes_back() -> None:
    """The job of an earlier step, run again, changes nothing; by force it goes back, which is recorded."""
    world = prepared(2, 50)
    assert not step(world.site(), 10, SETTINGS, Judge()).changed
    assert world.share() == [50, 50]
    step(world.site(), 10, SETTINGS, Judge(), force=True)
    assert world.share() == [10, 10]
    assert "the canary is at 50 already" in world.state().history[-1].forced[0]


def test_bakes() -> None:
    """A weight is held for the bake time; what is left is told to the second."""
    world = World()
    world.deploy()
    step(world.site(), 10, SETTINGS, Judge())
    world.clock.seconds += 540
    with pytest.raises(OnHold, match="this step bakes for 10m: 1m to go, until 03:14:05 UTC"):
        step(world.site(), 25, SETTINGS, Judge())
    world.clock.seconds += 60
    assert step(world.site(), 25, SETTINGS, Judge()).changed


@pytest.mark.parametrize(("version", "count", "to"), [(V2, 0, 10), (V1, 0, 10), (V2, 1, 100)])
def test_never_to_a_side_that_cannot_carry_it(version: str, count: int, to: int) -> None:
    """Each side needs ready pods for its share of what carried all traffic before."""
    world = World()
    world.deploy()
    world.pods(version, count)
    with pytest.raises(OnHold, match=f"{version} has {2 * count} ready pods and needs"):
        step(world.site(), to, replace(SETTINGS, steps=(10, 100)), Judge(), force=True)
    assert world.share() == [0, 0]


def test_pods_of_clusters_without_istio_objects_count() -> None:
    """With one shared control plane the canary's pods may all be in another cluster."""
    world = World(names=("prod-aws",), others=("prod-azure",))
    world.deploy()
    for number in range(9):
        world.api("prod-aws").delete(POD, f"{V2}-{number}", SPACE)
    step(world.site(), 10, SETTINGS, Judge())
    assert world.share() == [10]


def test_a_failing_canary_is_given_up() -> None:
    """The verdict fail gives all traffic back, with exit code 4 and the reason in the history."""
    world = prepared(2, 25)
    world.clock.seconds += 601
    outcome = step(world.site(), 50, SETTINGS, Judge(Verdict.FAIL))
    assert (outcome.code, world.share()) == (ExitCode.ROLLED_BACK, [0, 0])
    entry = world.state().history[-1]
    assert (entry.action, entry.verdict, entry.why) == (Action.ABORT, "fail", "so says the test (fail)")
    with pytest.raises(NoCanary, match=r"was aborted by anna .*so says the test \(fail\)"):
        step(world.site(), 50, SETTINGS, Judge())


def test_an_inconclusive_canary_is_held() -> None:
    """Too little evidence holds the step, says what is missing, and keeps what the judge has learnt."""
    world = prepared(2, 25)
    world.clock.seconds += 601
    judge = Judge(Verdict.INCONCLUSIVE, more={"more_requests": 340, "seconds": 360.0, "judged": {"learnt": 1}})
    with pytest.raises(OnHold, match="need 340 more requests, about 6 min") as caught:
        step(world.site(), 50, SETTINGS, judge)
    assert (caught.value.exit_code, world.share()) == (ExitCode.ON_HOLD, [25, 25])
    assert (world.state().judged, world.state().verdict) == ({"learnt": 1}, "inconclusive")
    step(world.site(), 50, SETTINGS, judge, force=True)
    assert world.share() == [50, 50]
    assert "verdict: inconclusive" in world.state().history[-1].forced[0]


def test_a_pod_that_restarts_fails_at_once() -> None:
    """A canary's pod that restarted since it was put there is trouble, whatever the numbers say."""
    world = prepared(2, 25)
    world.clock.seconds += 601
    world.api("prod-azure").put(POD, pod(f"{V2}-0", V2, restarts=3))
    outcome = step(world.site(), 50, SETTINGS, Judge())
    assert (outcome.code, world.share()) == (ExitCode.ROLLED_BACK, [0, 0])
    assert world.state().history[-1].why == f"prod-azure: {V2}-0 restarted 3 times"


def test_a_stale_pipeline() -> None:
    """A job of a pipeline older than one that has written the environment changes nothing: exit code 7."""
    world = World()
    world.deploy()
    record = {
        "metadata": {
            "name": "mcci-environment", "namespace": SPACE, "labels": {"app.kubernetes.io/managed-by": "mcci"}
        },
        "data": {"record": json.dumps({"pipeline": {"id": 8}})},
    }  # fmt: skip
    world.api("prod-azure").put(CONFIG_MAP, record)
    with pytest.raises(Stale, match=r"pipeline 8 has written this environment \(prod-azure\)") as caught:
        step(world.site(), 10, SETTINGS, Judge())
    assert caught.value.exit_code is ExitCode.STALE
    assert step(world.site(actor=Actor(who="anna")), 10, SETTINGS, Judge()).changed
    with pytest.raises(Stale):
        abort(world.site())
    world.api("prod-azure").put(CONFIG_MAP, {**record, "data": {"record": "[]"}})
    with pytest.raises(UsageError, match="the ConfigMap mcci-environment is not what mcci writes"):
        step(world.site(), 25, SETTINGS, Judge())


def test_a_deployment_in_progress() -> None:
    """No step while somebody deploys; a deploy that died does not count."""
    world = World()
    world.deploy()
    lease = {
        "metadata": {"name": "mcci-deploy", "namespace": SPACE},
        "spec": {
            "holderIdentity": "otto", "leaseDurationSeconds": 30, "renewTime": world.clock.now().isoformat(),
        },
    }  # fmt: skip
    world.api("prod-azure").put(LEASE, lease)
    with pytest.raises(Busy, match="prod-azure: a deployment is in progress, by otto") as caught:
        step(world.site(), 10, SETTINGS, Judge())
    assert caught.value.exit_code is ExitCode.LOCKED
    world.clock.seconds += 61
    assert step(world.site(), 10, SETTINGS, Judge()).changed


def test_a_foreign_edit() -> None:
    """Weights that somebody else set hold a step until a person aborts or forces."""
    world = prepared(2, 10)
    world.clock.seconds += 601
    world.shift("prod-azure", 60)
    with pytest.raises(ForeignEdit, match=f"prod-azure has {V1} 40, {V2} 60; mcci wrote {V1} 90, {V2} 10"):
        step(world.site(), 25, SETTINGS, Judge())
    step(world.site(), 25, SETTINGS, Judge(), force=True)
    assert world.share() == [25, 25]
    world.shift("prod-azure", 60)
    abort(world.site())
    assert world.share() == [0, 0]


def test_judging_on_its_own() -> None:
    """`judge` acts on a fail, keeps what it learns, and in a dry run does neither."""
    world = World()
    world.deploy()
    with pytest.raises(NotInPlan, match="has no traffic yet"):
        judge_now(world.site(), Judge())
    world = prepared(2, 10)
    assert judge_now(world.site(), Judge(Verdict.INCONCLUSIVE)).code is ExitCode.ON_HOLD
    script = Script()
    assert judge_now(world.site(script), Judge(Verdict.FAIL), dry_run=True).code is ExitCode.ROLLED_BACK
    assert (script.writes, world.share()) == ([], [10, 10])
    assert judge_now(world.site(), Judge(Verdict.FAIL)).code is ExitCode.ROLLED_BACK
    assert world.share() == [0, 0]


def test_a_dry_run_writes_nothing() -> None:
    """Steps, aborts and promotions can be tried out: no write, no lock."""
    script = Script()
    world = prepared(2, 25)
    world.clock.seconds += 601
    step(world.site(script), 50, SETTINGS, Judge(), dry_run=True)
    step(world.site(script), 50, SETTINGS, Judge(Verdict.FAIL), dry_run=True)
    with pytest.raises(OnHold):
        step(world.site(script), 50, SETTINGS, Judge(Verdict.INCONCLUSIVE), dry_run=True)
    abort(world.site(script), dry_run=True)
    world = prepared(2, 100)
    world.clock.seconds += 601
    promote(world.site(script), SETTINGS, Judge(), dry_run=True)
    assert script.writes == []


def test_a_cluster_that_is_left_out_lags_and_is_brought_along() -> None:
    """Left out by a person it keeps its weights; the next command that reaches it brings it along."""
    world = prepared(3, 10)
    world.clock.seconds += 601
    step(world.site().leave_out(["prod-azure"]), 25, SETTINGS, Judge())
    assert world.share() == [25, 10, 25]
    assert (world.state().without, world.state().history[-1].without) == (("prod-azure",), ("prod-azure",))
    outcome = step(world.site(), 25, SETTINGS, Judge())
    assert world.share() == [25, 25, 25]
    assert outcome.lines == (f"brought prod-azure along: {V1} 75, {V2} 25",)
    with pytest.raises(UsageError, match="leaves no config cluster"):
        world.site().leave_out(world.names)


def test_force_goes_past_a_fail() -> None:
    """A person may go on after a verdict of fail, by name and on record."""
    world = prepared(2, 25)
    world.clock.seconds += 601
    outcome = step(world.site(), 50, SETTINGS, Judge(Verdict.FAIL), force=True)
    assert (outcome.code, world.share()) == (ExitCode.DONE, [50, 50])
    entry = world.state().history[-1]
    assert (entry.verdict, entry.actor) == ("fail", ANNA)
    assert "verdict: fail" in entry.forced[0]


def test_a_service_that_is_not_there() -> None:
    """Without a state, or without a VirtualService, there is nothing to move, and it is said what makes one."""
    world = World()
    with pytest.raises(NoCanary, match="was never deployed here: `mcci deploy`"):
        step(world.site(), 10, SETTINGS, Judge())
    world.deploy()
    world.api("prod-azure").delete(VIRTUAL_SERVICE, SERVICE, SPACE)
    with pytest.raises(NoCanary, match="prod-azure: there is no VirtualService staff-service"):
        step(world.site(), 10, SETTINGS, Judge())


def test_jobs_that_start_by_themselves_wait_out_the_bake_time() -> None:
    """With `gate: automatic` a job that comes early waits while it has time; one that a person presses does not."""
    world = prepared(2, 10)
    site, automatic = world.site(), replace(SETTINGS, gate=Gate.AUTOMATIC)
    begun = world.clock.seconds
    with pytest.raises(OnHold):
        patiently(site, SETTINGS, 3600, lambda: step(site, 25, SETTINGS, Judge()))
    with pytest.raises(OnHold):
        patiently(site, automatic, 599, lambda: step(site, 25, automatic, Judge()))
    assert world.clock.seconds == begun
    assert patiently(site, automatic, 3600, lambda: step(site, 25, automatic, Judge())).changed
    assert world.clock.seconds - begun == 600
    with pytest.raises(OnHold, match="verdict: inconclusive"):
        patiently(site, automatic, 3600, lambda: step(site, 50, automatic, Judge(Verdict.INCONCLUSIVE)))
