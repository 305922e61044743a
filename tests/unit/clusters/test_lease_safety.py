"""However processes, their clocks and their calls interleave, no two hold a lock at the same moment."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from mcci.clients.kubernetes.api import Unreachable
from mcci.clusters.leases import Held, Holder, Lock
from mcci.errors import McciError
from tests.tools.examples import examples
from tests.unit.clusters.clocks import FakeClock, World
from tests.unit.clusters.fake_api import FakeApi, Fault, Script, State
from tests.unit.clusters.fake_faults import Call

PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Step:
    """What a process does after `pause` seconds. The call that it makes takes `out` to arrive, `back` to answer."""

    process: int
    action: str  # attempt, renew, release, restart
    pause: float
    out: float
    back: float
    fault: str = ""  # before or after the call's effect
    overlaps: bool = False  # it may begin while another process waits for an answer


@dataclass(slots=True)
class Play:
    """A play of steps: while one process waits for its answer, the others go on."""

    steps: deque[Step]
    clocks: list[FakeClock]
    world: World
    state: State = field(default_factory=State)
    locks: list[Lock] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    current: dict[int, Step] = field(default_factory=dict)
    tokens: list[int] = field(default_factory=list)
    shared: int = 0  # how often a lock changed hands

    def run(self) -> None:
        for index in range(PROCESSES):
            self.scripts.append(Script(before=self._arrives(index), after=self._answers(index)))
            self.locks.append(self._lock(index))
        self.world.passing.append(self._assert_one)
        while self.steps:
            self._next()

    def _lock(self, index: int) -> Lock:
        api = FakeApi("prod-aws", self.state, self.scripts[index])
        return Lock(
            api=api, namespace="shop", name="mcci-deploy", holder=Holder(identity=str(index)),
            ttl=30, clock=self.clocks[index], nonce=f"{index}-{self.world.time}",
        )  # fmt: skip

    def _next(self) -> None:
        step = self.steps.popleft()
        if step.process in self.busy:
            return
        self.world.pass_(step.pause)
        self.busy.add(step.process)
        self.current[step.process] = step
        script = self.scripts[step.process]
        script.faults.clear()
        if step.fault:
            script.faults.append(Fault(error=Unreachable("gone"), verb="replace", after=step.fault == "after"))
        with suppress(McciError):
            self._act(step)
        self.busy.discard(step.process)
        self._assert_one()

    def _act(self, step: Step) -> None:
        lock = self.locks[step.process]
        if step.action == "restart":
            self.locks[step.process] = self._lock(step.process)
        elif step.action == "release":
            lock.release()
        elif lock.held:
            lock.renew()
        else:
            lock.attempt()
            if lock.held:
                self.shared += 1

    def _arrives(self, index: int):  # type: ignore[no-untyped-def]
        def before(call: Call) -> None:
            self.world.pass_(self.current[index].out)
            self._meanwhile()

        return before

    def _answers(self, index: int):  # type: ignore[no-untyped-def]
        def after(call: Call) -> None:
            if call.verb in ("create", "replace"):
                self._note()
            self.world.pass_(self.current[index].back)
            self._meanwhile()

        return after

    def _meanwhile(self) -> None:
        if self.steps and self.steps[0].overlaps and self.steps[0].process not in self.busy:
            self._next()

    def _note(self) -> None:
        lease = next(iter(self.state.objects.values()))
        self.tokens.append(int(lease["metadata"]["annotations"]["mcci.io/token"]))

    def _assert_one(self) -> None:
        holding = [index for index, lock in enumerate(self.locks) if lock.held and holds(lock.held)]
        assert len(holding) <= 1, f"{holding} all hold the lock at {self.world.time}"


def holds(held: Held) -> bool:
    """What `Held.check` finds, without its effect."""
    return not held.lost.is_set() and held.elapsed() <= held.until


# Seconds: about as long as a Lease (of 30) and its parts. Clocks run apart by a fourth.
PAUSES = (0.0, 0.0, 0.0, 1.0, 6.0, 6.0, 13.0, 18.0, 21.0, 23.0, 26.0, 29.0, 31.0, 33.0, 36.0, 45.0)
DELAYS = (*(0.0,) * 10, 1.0, 6.0, 13.0, 21.0, 26.0, 31.0)
ACTIONS = (*("go",) * 13, "release", "release", "restart")
FAULTS = (*("",) * 14, "before", "after")
RATES = (0.9, 1.0, 1.15)


def steps_of(data: bytes) -> deque[Step]:
    """Return the steps that some bytes stand for, four for a step: many small choices, drawn at once."""
    steps: deque[Step] = deque()
    for a, b, c, d in zip(*[iter(data)] * 4, strict=False):
        steps.append(
            Step(
                process=a & 1,
                overlaps=bool(a & 2),
                action=ACTIONS[a >> 4],
                pause=PAUSES[b & 15],
                fault=FAULTS[b >> 4],
                out=DELAYS[c & 15],
                back=DELAYS[d & 15],
            )
        )
    return steps


@settings(max_examples=examples(100), deadline=None)
@given(st.binary(min_size=100, max_size=200), st.tuples(st.sampled_from(RATES), st.sampled_from(RATES)))
def test_never_two_holders(data: bytes, rates: tuple[float, float]) -> None:
    """At no moment do two processes pass `check()`, and the token never goes back."""
    world = World()
    clocks = [FakeClock(world, rate, offset=1e5 * rate, skew=-1e6 * rate) for rate in rates]
    play = Play(steps_of(data), clocks, world)
    play.run()
    assert play.tokens == sorted(play.tokens)


def test_the_play_plays() -> None:
    """The steps above do make locks change hands: by a takeover and by a release."""
    world = World()
    steps = [
        Step(0, "go", 0, 1, 1), Step(1, "go", 0, 1, 1), Step(1, "go", 40, 1, 1),
        Step(1, "release", 1, 1, 1), Step(0, "restart", 1, 0, 0), Step(0, "go", 1, 1, 1),
    ]  # fmt: skip
    play = Play(deque(steps), [FakeClock(world) for _ in range(PROCESSES)], world)
    play.run()
    assert play.shared == 3
