"""Random sequences of commands, crashes and faults, against what must hold whatever happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mcci.canary.actions.step import step
from mcci.canary.clusters.session import ForeignEdit
from mcci.canary.plan import next_step
from mcci.canary.state import Action, Phase, name_of
from mcci.canary.verdict import Verdict
from mcci.clients.kubernetes.api import CONFIG_MAP, VIRTUAL_SERVICE, Conflict, Unreachable
from mcci.errors import ExitCode, McciError
from tests.tools.examples import examples
from tests.unit.canary.kills import NAMES, Command, do_abort, do_promote, free
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE, SETTINGS, SPACE, Judge, World
from tests.unit.clusters.fake_api import Crash, Fault, Script

PLAN = (0, *SETTINGS.steps)
weights = st.sampled_from(SETTINGS.steps)
Trouble = Callable[[World], Script]


def none(world: World) -> Script:
    """Nothing goes wrong."""
    return Script()


def killed(write: int, after: bool) -> Trouble:
    """The process dies at a write."""

    def script(world: World) -> Script:
        found = Script()
        found.crash(write=write, after=after)
        return found

    return script


def failing(write: int, after: bool, error: type[McciError]) -> Trouble:
    """A write fails; `after` it had its effect all the same."""
    return lambda world: Script(faults=[Fault(error=error("so says the test"), write=write, after=after)])


def lost(number: int, skip: int, times: int) -> Trouble:
    """A cluster does not answer for some calls."""

    def script(world: World) -> Script:
        name = world.names[number % len(world.names)]
        return Script(faults=[Fault(error=Unreachable("gone"), cluster=name, skip=skip, times=times)])

    return script


troubles = st.one_of(
    st.just(none),
    st.builds(killed, st.integers(1, 14), st.booleans()),
    st.builds(failing, st.integers(1, 14), st.booleans(), st.sampled_from([Conflict, Unreachable])),
    st.builds(lost, st.integers(0, 2), st.integers(0, 16), st.integers(1, 4)),
)


class Canaries(RuleBasedStateMachine):
    """People and jobs move one canary over two or three clusters, and all that can go wrong does."""

    @initialize(clusters=st.integers(1, 3))
    def begin(self, clusters: int) -> None:
        self.world = World(names=NAMES[:clusters])
        self.world.deploy()
        self.ready = {V1: 2, V2: 2}
        self.strangers = False  # somebody else has changed weights since mcci last wrote them

    # what happens beside it

    @rule(version=st.sampled_from([V1, V2]), count=st.sampled_from([0, 1, 2, 2]))
    def pods_come_and_go(self, version: str, count: int) -> None:
        self.ready[version] = count
        self.world.pods(version, count)

    @rule(data=st.data(), weight=st.sampled_from(PLAN))
    def a_stranger_changes_a_weight(self, data: st.DataObject, weight: int) -> None:
        name = data.draw(st.sampled_from(self.world.names))
        if self.world.traffic(name).get(V2, 0) != weight:
            self.world.shift(name, weight)
            self.strangers = True

    @rule(seconds=st.sampled_from([1, 300, 601]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.seconds += seconds

    # commands, and what goes wrong with them

    @rule(trouble=troubles, steps=st.integers(0, 3))
    def takes_the_next_step(self, trouble: Trouble, steps: int) -> None:
        """A job's step into trouble; before it some went well, of a new canary where the old one has ended."""
        if self.world.state().phase is not Phase.CANARY or self.strangers:
            self.begin(len(self.world.names))
        for _ in range(steps):
            self._advance(none)
        self._advance(trouble)

    def _advance(self, trouble: Trouble) -> None:
        self.world.clock.seconds += 601
        following = next_step(self.world.state())
        command = do_promote if following is None else lambda site: step(site, following, SETTINGS, Judge())
        self._run(command, trouble)

    @precondition(lambda self: self.world.state().phase is Phase.CANARY)
    @rule(to=weights, verdict=st.sampled_from(Verdict), trouble=troubles)
    def steps(self, to: int, verdict: Verdict, trouble: Trouble) -> None:
        self._run(lambda site: step(site, to, SETTINGS, Judge(verdict)), trouble)

    @precondition(lambda self: self.world.state().phase is Phase.CANARY)
    @rule(trouble=troubles)
    def aborts(self, trouble: Trouble) -> None:
        self._run(do_abort, trouble)

    @precondition(lambda self: not self.strangers)
    @rule()
    def a_new_job_ends_clean(self) -> None:
        """Without faults an abort always ends well, where a stable version is there to take the traffic."""
        state = self.world.state()
        back = state.stable if state.canary else state.previous
        if not back or not self.ready[back]:
            return
        do_abort(self.world.site(Script()))
        after = self.world.state()
        assert (after.phase, after.intent) == (Phase.ABORTED, None)
        for name in self.world.names:
            assert self.world.state(name) == after
            assert self.world.traffic(name)[back] == 100
        self.begin(len(self.world.names))

    def _run(self, command: Command, trouble: Trouble) -> None:
        """Run a command as a process."""
        script = trouble(self.world)
        planned = sum(fault.times for fault in script.faults)
        script.after = lambda call: self._check_sums()
        before, ready = self.world.share(), dict(self.ready)
        try:
            command(self.world.site(script))
            self._one_mind()
            self.strangers = False
        except McciError as error:
            if not script.dead:
                self._after(error, before, strikes=planned - sum(max(fault.times, 0) for fault in script.faults))
        except Crash:
            free(self.world)
        self._not_to_a_broken_side(before, ready)

    def _after(self, error: McciError, before: list[int], strikes: int) -> None:
        """What holds after a command that ended with an error, and was not killed."""
        assert self.strangers or not isinstance(error, ForeignEdit)  # what mcci left is never taken for a stranger's
        if error.exit_code is ExitCode.ROLLED_BACK:
            self._one_mind()
        if strikes <= 1:
            assert len(set(self.world.share())) == 1 or self.strangers  # one fault alone leaves no cluster behind
        if not strikes and error.exit_code in (ExitCode.USAGE, ExitCode.ON_HOLD):
            self._not_forward(before)

    def _one_mind(self) -> None:
        """A command that ended well, or was rolled back, leaves no cluster behind and no intent."""
        assert self.world.state().intent is None
        assert len(set(self.world.share())) == 1 or self.strangers

    def _not_forward(self, before: list[int]) -> None:
        """A command that was held or refused gives the canary no more traffic than some cluster had before."""
        assert max(self.world.share()) <= max([*before, self.world.state().weights.get(V2, 0)])

    def _not_to_a_broken_side(self, before: list[int], ready: dict[str, int]) -> None:
        """No command gives more traffic to a side that has no ready pod; a restore may give back what was there."""
        source = self.world.state().weights.get(V2, 0)
        for now, then in zip(self.world.share(), before, strict=True):
            if now > then and now > source:
                assert ready[V2], (before, self.world.share())
            if now < then and now < source and not self.strangers:
                assert ready[V1], (before, self.world.share())

    # what holds at every moment

    def _check_sums(self) -> None:
        """`traffic` itself refuses weights that do not sum to 100."""
        for name in self.world.names:
            self.world.traffic(name)

    @invariant()
    def weights_sum_to_100(self) -> None:
        if hasattr(self, "world"):
            self._check_sums()

    @invariant()
    def every_step_is_taken_once(self) -> None:
        """Between two begins, aborts or restores no step is in the history twice."""
        if not hasattr(self, "world"):
            return
        taken: set[int] = set()
        for entry in self.world.state().history:
            if entry.action in (Action.BEGIN, Action.ABORT):
                taken.clear()
            elif entry.action is Action.STEP and not entry.why.startswith("brought"):
                assert entry.step not in taken, self.world.state().history
                taken.add(entry.step)

    @invariant()
    def foreign_routes_and_annotations_stay(self) -> None:
        """Nobody's other routes are lost: the testers' route is there in every cluster."""
        if not hasattr(self, "world"):
            return
        for name in self.world.names:
            found = self.world.api(name).peek(VIRTUAL_SERVICE, SERVICE, SPACE)
            assert found
            assert found["spec"]["http"][0]["name"] == "primary-testers"
            assert self.world.api(name).peek(CONFIG_MAP, name_of(SERVICE), SPACE)


TestCanaries = Canaries.TestCase
TestCanaries.settings = settings(max_examples=examples(8), stateful_step_count=25, deadline=None)


class ManyCanaries(Canaries):
    """The same, much longer."""


TestManyCanaries = pytest.mark.faults(ManyCanaries.TestCase)
TestManyCanaries.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
