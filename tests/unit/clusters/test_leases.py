"""A lock is taken, renewed, lost, given back and taken over as it says."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mcci.clients.kubernetes.api import LEASE, Unreachable
from mcci.clusters import leases
from mcci.clusters.leases import Held, Holder, LeaseLost, Lock, LockHeld
from mcci.errors import ExitCode
from tests.unit.clusters.clocks import FakeClock, World
from tests.unit.clusters.fake_api import Crash, FakeApi, Fault, Script, State

MARIA = Holder(identity="maria", pipeline="https://gitlab/-/pipelines/7", job_url="https://gitlab/-/jobs/70")
PAUL = Holder(identity="paul")


def lock(state: State, holder: Holder, clock: FakeClock, **more: Any) -> Lock:
    return Lock(
        api=FakeApi("prod-aws", state), namespace="shop", name="mcci-deploy", holder=holder, ttl=30, clock=clock, **more
    )  # fmt: skip


def taken(state: State, holder: Holder, clock: FakeClock) -> tuple[Lock, Held]:
    mine = lock(state, holder, clock)
    assert mine.attempt() is None
    assert mine.held is not None
    return mine, mine.held


def lease(state: State) -> dict[str, Any]:
    found = FakeApi("", state).peek(LEASE, "mcci-deploy", "shop")
    assert found is not None
    return found


def test_the_lease() -> None:
    """The Lease says who holds it, for how long and since when, as Kubernetes' own tools show it."""
    state = State()
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", MARIA, ttl=29.5, clock=FakeClock()) as held:
        held.check()
        spec, notes = lease(state)["spec"], lease(state)["metadata"]["annotations"]
    assert spec == {
        "holderIdentity": "maria",
        "leaseDurationSeconds": 30,
        "acquireTime": "2026-11-23T00:00:00.000000Z",
        "renewTime": "2026-11-23T00:00:00.000000Z",
        "leaseTransitions": 0,
    }
    assert notes["mcci.io/token"] == str(held.token)
    assert notes["mcci.io/pipeline"] == MARIA.pipeline
    assert notes["mcci.io/job-url"] == MARIA.job_url


def test_released() -> None:
    """Given back, it is free at once, and its last holder may no longer write."""
    state, clock = State(), FakeClock()
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", MARIA, clock=clock) as first:
        pass
    with pytest.raises(LeaseLost, match="released"):
        first.check()
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, clock=clock) as second:
        second.check()
    assert second.token > first.token
    assert clock.world.time == 0


def test_busy() -> None:
    """While its holder lives, another is told who holds it and where that job is, and exits with 6."""
    world = World()
    maria, _ = taken(state := State(), MARIA, FakeClock(world))
    world.passing.append(maria.renew)
    with (
        pytest.raises(LockHeld) as caught,
        leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, clock=FakeClock(world)),
    ):
        pass
    assert caught.value.exit_code is ExitCode.LOCKED
    assert caught.value.holder == MARIA
    for part in ("prod-aws", "maria", MARIA.pipeline, MARIA.job_url):
        assert part in str(caught.value)


def test_waits() -> None:
    """A holder that lives is waited for as long as asked, and the lock taken when it is given back."""
    world = World()
    maria, _ = taken(state := State(), MARIA, FakeClock(world))
    world.passing.append(lambda: maria.renew() if world.time < 20 else maria.release())
    said: list[str] = []
    with leases.hold(
        FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, wait=60, clock=FakeClock(world), say=said.append
    ):
        assert lease(state)["spec"]["holderIdentity"] == "paul"
    assert 20 <= world.time < 22
    assert said == ["prod-aws: maria holds the lock 'mcci-deploy'; looking whether it is alive"]


def test_takes_over_from_the_dead() -> None:
    """A holder that gives no sign of life for the Lease's time has lost it, whatever its clock said."""
    for skew in (-1e6, 0, 1e6):
        world = World()
        _, old = taken(state := State(), MARIA, FakeClock(world, skew=skew))
        with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, clock=FakeClock(world)) as held:
            assert 30 < world.time < 33
            assert held.token > old.token
            with pytest.raises(LeaseLost, match="renewed in time"):
                old.check()


def test_takes_over_from_an_ended_job() -> None:
    """When the holder's job is known to be over, nobody waits for its Lease to run out; it is asked about once."""
    asked: list[Holder] = []

    def ended(holder: Holder) -> bool:
        asked.append(holder)
        return holder == MARIA

    world = World()
    taken(state := State(), MARIA, FakeClock(world))
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, clock=FakeClock(world), ended=ended):
        assert world.time == 0
    taken(state := State(), PAUL, FakeClock(world))
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", MARIA, clock=FakeClock(world), ended=ended):
        assert world.time > 30
    assert asked == [MARIA, PAUL]


def test_the_holder_is_told() -> None:
    """A holder whose lock was taken over learns it at its next renewal, and who has it."""
    world = World()
    maria, held = taken(state := State(), MARIA, FakeClock(world))
    thief = lock(state, PAUL, FakeClock(world), ended=lambda _: True)
    assert thief.attempt() is None
    maria.renew()
    assert held.lost.is_set()
    with pytest.raises(LeaseLost, match="paul has it"):
        held.check()
    maria.release()
    assert lease(state)["spec"]["holderIdentity"] == "paul"


def test_deleted() -> None:
    """A Lease that a person deletes is lost; the next holder's token is greater all the same."""
    world = World()
    maria, held = taken(state := State(), MARIA, FakeClock(world, skew=100))
    FakeApi("", state).delete(LEASE, "mcci-deploy", "shop")
    world.pass_(101)
    maria.held = held
    held.until = 1e9
    maria.renew()
    with pytest.raises(LeaseLost, match="deleted"):
        held.check()
    _, after = taken(state, PAUL, FakeClock(world))
    assert after.token > held.token


def test_renewal_survives_faults() -> None:
    """An API that fails for a while costs nothing; one that fails for too long costs the lock."""
    world = World()
    maria, held = taken(State(), MARIA, FakeClock(world))
    gone = Fault(error=Unreachable("gone"), verb="replace", times=2)
    maria.api.script.faults.append(gone)  # type: ignore[attr-defined]
    for _ in range(3):
        world.pass_(6)
        maria.renew()
    held.check()
    gone.times = 99
    for _ in range(4):
        world.pass_(6)
        maria.renew()
    with pytest.raises(LeaseLost, match="in time"):
        held.check()


def test_lost_answer() -> None:
    """A renewal that took effect and whose answer was lost is recognized as our own."""
    world = World()
    maria, held = taken(state := State(), MARIA, FakeClock(world))
    maria.api.script.faults.append(  # type: ignore[attr-defined]
        Fault(error=Unreachable("reset"), verb="replace", after=True)
    )  # fmt: skip
    for _ in range(5):
        world.pass_(5)
        maria.renew()
    held.check()
    maria.release()
    assert lease(state)["spec"]["holderIdentity"] == ""


def test_lost_answer_of_the_first_write() -> None:
    """A process whose Lease was made although the API said otherwise takes it at the second try."""
    world = World()
    maria = lock(state := State(), MARIA, FakeClock(world))
    maria.api.script.faults.append(  # type: ignore[attr-defined]
        Fault(error=Unreachable("reset"), verb="create", after=True)
    )  # fmt: skip
    with pytest.raises(Unreachable):
        maria.attempt()
    assert maria.attempt() is None
    assert lease(state)["spec"]["leaseTransitions"] == 1


def test_somebody_annotates() -> None:
    """What another writes into our Lease neither costs the lock nor is lost."""
    world = World()
    maria, held = taken(state := State(), MARIA, FakeClock(world))
    FakeApi("", state).merge(LEASE, "mcci-deploy", "shop", {"metadata": {"annotations": {"note": "look here"}}})
    for _ in range(5):
        world.pass_(5)
        maria.renew()
    held.check()
    assert lease(state)["metadata"]["annotations"]["note"] == "look here"


def test_foreign_lease() -> None:
    """A Lease that another program holds is respected: its holder, its duration, and no token of ours needed."""
    world = World()
    spec = {"holderIdentity": "argo", "leaseDurationSeconds": 100}
    FakeApi("", state := State()).put(LEASE, {"metadata": {"name": "mcci-deploy", "namespace": "shop"}, "spec": spec})
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, clock=FakeClock(world)) as held:
        held.check()
    assert 100 < world.time < 103


def test_killed() -> None:
    """A process that is killed leaves its lock behind; the next one has it when it has run out."""
    state, script, world = State(), Script(), World()
    api = FakeApi("prod-aws", state, script)
    script.crash(write=2)
    with pytest.raises(Crash), leases.hold(api, "shop", "mcci-deploy", MARIA, clock=FakeClock(world)) as old:
        api.delete(LEASE, "something", "shop")
    with leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", PAUL, clock=FakeClock(world)) as held:
        assert held.token > old.token
    assert world.time > 30


def test_renews_in_the_background() -> None:
    """A lock is held for as long as the work takes, on a thread that ends with it."""
    state = State()
    renewed = threading.Event()
    script = Script(after=lambda call: renewed.set() if call.verb == "replace" and call.write > 2 else None)
    with leases.hold(FakeApi("prod-aws", state, script), "shop", "mcci-deploy", MARIA, ttl=1) as held:
        assert renewed.wait(10)
        held.check()
    assert not [each for each in threading.enumerate() if each.name.startswith("lease mcci-deploy")]


def test_an_error_in_the_work() -> None:
    """Work that fails gives the lock back, and its error is what is seen."""
    state = State()
    with (
        pytest.raises(ZeroDivisionError),
        leases.hold(FakeApi("prod-aws", state), "shop", "mcci-deploy", MARIA, clock=FakeClock()),
    ):
        raise ZeroDivisionError
    assert lease(state)["spec"]["holderIdentity"] == ""


def test_an_answer_that_comes_late() -> None:
    """A Lease is counted on from before it was asked for: an answer that took its whole time gives nothing."""
    world = World()
    script = Script(after=lambda call: world.pass_(31 if call.verb in ("create", "replace") else 0))
    maria = Lock(
        api=FakeApi("prod-aws", State(), script), namespace="shop", name="x", holder=MARIA, ttl=30,
        clock=FakeClock(world),
    )  # fmt: skip
    assert maria.attempt() is None
    assert maria.held is not None
    with pytest.raises(LeaseLost):
        maria.held.check()
    maria.attempt()
    maria.renew()
    with pytest.raises(LeaseLost):
        maria.held.check()


class Pacing(threading.Event):
    """Stands for the thread's waiting: the world's time passes, until it is over."""

    def __init__(self, world: World, end: float) -> None:
        super().__init__()
        self.world, self.end = world, end

    def wait(self, timeout: float | None = None) -> bool:
        self.world.pass_(timeout or 0)
        return self.world.time >= self.end


@pytest.mark.parametrize("begins", [0, 1, 2, 3, 4, 4.9, 5, 6, 7, 9.9])
def test_outlasts_an_api_that_is_away(begins: float) -> None:
    """With the usual duration an API that is away for 20 s costs no lock, whenever it goes and however it fails."""
    for takes in (0.1, 1.0, 5.0):  # seconds until a call is given up
        world = World()

        def away(call: object, world: World = world, takes: float = takes) -> None:
            if begins <= world.time < begins + 20:
                world.pass_(takes)
                raise Unreachable("away")

        lock = Lock(
            api=FakeApi("prod-aws", State(), Script()), namespace="shop", name="x", holder=MARIA,
            clock=FakeClock(world),
        )  # fmt: skip
        assert lock.attempt() is None
        assert lock.held is not None
        lock.api.script.before = away  # type: ignore[attr-defined]
        world.passing.append(lock.held.check)
        leases._renew(lock, Pacing(world, 60))
