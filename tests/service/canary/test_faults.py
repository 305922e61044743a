"""What goes wrong with real clusters' APIs and real processes: the weights sum to 100 and end in one place."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mcci.canary import traffic
from mcci.canary.actions.step import step
from mcci.canary.clusters.move import Restored
from mcci.canary.clusters.site import Site
from mcci.canary.state import Action, Actor
from mcci.clients.kubernetes.api import LEASE, VIRTUAL_SERVICE, Conflict, Unreachable
from mcci.clusters.leases import LeaseLost, LockHeld, SystemClock
from mcci.config.model import Canary, Duration
from mcci.errors import McciError
from tests.service.canary.hooks import Between, Lost, hook
from tests.service.canary.project import Project, project
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE, SPACE, Judge

SETTINGS = Canary(steps=(10, 25, 50, 100), bake=Duration(0))
NAMES = ("prod-aws", "prod-azure", "prod-gcp", "prod-own")
# the canary's weight before, the command, and its weight after
COMMANDS = {
    "step": (10, ("step", SERVICE, "--to", "25"), 25),
    "promote": (100, ("promote", SERVICE), 100),
    "abort": (25, ("abort", SERVICE), 0),
}


def site(found: Project, stack: ExitStack, deadline: float = 60.0, who: str = "anna") -> Site:
    """The project's clusters, as one process reaches them."""
    apis = {name: found.connect(name, deadline) for name in found.config}
    for api in apis.values():
        stack.callback(api.close)
    return Site(
        service=SERVICE,
        environment="production",
        namespace=SPACE,
        virtual_services=dict.fromkeys(found.config, SERVICE),
        config=apis,
        actor=Actor(who=who),
        clock=SystemClock(),
    )


def forget_the_dead(found: Project) -> None:
    """Take the Lease of a killed process away, which would run out by itself after half a minute."""
    for name in found.config:
        found.api(name).delete(LEASE, f"mcci-canary-{SERVICE}", SPACE)


def to(found: Project, weight: int) -> None:
    """Bring the canary to a weight."""
    for each in (each for each in SETTINGS.steps if each <= weight):
        code, said = found.run("step", SERVICE, "--to", str(each))
        assert code == 0, said


def kill_at(found: Project, arguments: tuple[str, ...], number: int, *, after: bool) -> bool:
    """SIGKILL a real process at a write: before it has its effect, or after. Return whether it came so far."""
    process: list[subprocess.Popen[str]] = []
    dead = threading.Event()

    def befalls(cluster: str, write: int, path: str) -> None:
        if write >= number and process:
            process[0].send_signal(signal.SIGKILL)
            dead.set()
        if write > number or (write == number and not after):
            raise Lost

    hook(found, befalls)
    process.append(found.start(*arguments))
    process[0].communicate(timeout=60)
    hook(found, lambda cluster, write, path: None)
    return dead.is_set()


def check_killed(found: Project, name: str, number: int, *, after: bool) -> bool:
    """Kill a command at a write, and run it again: it ends as if nothing had been. False: there is no such write."""
    _, arguments, expected = COMMANDS[name]
    if not kill_at(found, arguments, number, after=after):
        return False
    found.share()  # which refuses weights that do not sum to 100
    forget_the_dead(found)
    code, said = found.run(*arguments)
    assert (code, found.share()) == (0, [expected] * len(found.config)), said
    state = found.state()
    assert state.intent is None
    assert all(found.state(each) == state for each in found.config)
    taken = [entry for entry in state.history if entry.action is Action(name) and entry.step != 10]
    assert len(taken) == 1, state.history
    return True


@pytest.mark.parametrize(("name", "number", "after"), [("step", 5, True), ("abort", 4, True), ("promote", 2, True)])
def test_killed_once(tmp_path: Path, name: str, number: int, after: bool) -> None:
    """kill -9 between two writes of a real process: the same job finishes what was begun, once."""
    with project(tmp_path, NAMES[:2]) as found:
        found.deploy()
        to(found, COMMANDS[name][0])
        assert check_killed(found, name, number, after=after)


@pytest.mark.faults
@pytest.mark.parametrize("clusters", [1, 2, 4])
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_every_write(tmp_path: Path, name: str, clusters: int) -> None:
    """kill -9 at every write point of step, promote and abort, on 1, 2 and 4 clusters."""
    number, more = 1, True
    while more:
        for after in (False, True):
            with project(tmp_path / f"{number}-{after}", NAMES[:clusters]) as found:
                found.deploy()
                to(found, COMMANDS[name][0])
                more = check_killed(found, name, number, after=after)
        number += 1
    assert number > 4


def test_a_job_that_is_cancelled(two: Project) -> None:
    """SIGTERM while weights are written: every cluster goes back before the process ends, and the lock is free."""
    two.deploy()
    process: list[subprocess.Popen[str]] = []

    def befalls(cluster: str, write: int, path: str) -> None:
        if path.endswith("/virtualservices/" + SERVICE) and cluster == "prod-aws" and process:
            process.pop().send_signal(signal.SIGTERM)
            time.sleep(0.5)

    hook(two, befalls)
    started = two.start("step", SERVICE, "--to", "10")
    process.append(started)
    said, _ = started.communicate(timeout=60)
    assert started.returncode == 143, said
    assert (two.share(), two.state().intent) == ([0, 0], None)
    assert two.state().history[-1].why == "interrupted"
    code, said = two.run("step", SERVICE, "--to", "10")
    assert (code, two.share()) == (0, [10, 10]), said


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_a_lost_cluster(two: Project, moment: str) -> None:
    """A cluster that is lost before, while or after weights are written: the others end with it, or are restored."""
    two.deploy()
    lost = threading.Event()

    def befalls(cluster: str, write: int, path: str) -> None:
        if cluster == "prod-azure" and lost.is_set():
            raise Lost

    numbers = hook(two, befalls)
    if moment == "before":
        lost.set()
    with ExitStack() as stack:
        place = site(two, stack, deadline=1.0)
        clusters: dict[str, Any] = dict(place.config)
        if moment != "before":
            clusters["prod-azure"] = _LosesWrites(clusters["prod-azure"], lost, after=moment == "after")
        with pytest.raises(McciError) as caught:
            step(replace(place, config=clusters), 10, SETTINGS, Judge())
    lost.clear()
    assert numbers
    assert "prod-azure" in str(caught.value)
    if moment == "before":
        assert two.share() == [0, 0]
        assert "nothing was changed" in str(caught.value)
    assert two.run("step", SERVICE, "--to", "10")[0] == 0
    assert (two.share(), two.state().intent) == ([10, 10], None)
    assert Counter(entry.action for entry in two.state().history)[Action.STEP] == 1


class _LosesWrites(Between):
    """A cluster that is lost at its first write of weights, before or after it has its effect."""

    def __init__(self, api: Any, lost: threading.Event, *, after: bool) -> None:
        super().__init__(api)
        self._lost, self._after = lost, after

    def replace(self, kind: Any, body: Any, *, dry_run: bool = False) -> Any:
        if kind != VIRTUAL_SERVICE or dry_run:
            return self._api.replace(kind, body, dry_run=dry_run)
        if self._after:
            self._api.replace(kind, body)
        self._lost.set()
        raise Unreachable("prod-azure did not answer")


def test_without_a_lost_cluster(two: Project) -> None:
    """A person goes on without a lost cluster, which is recorded; when it is back, the next step brings it along."""
    two.deploy()
    code, said = two.run("step", SERVICE, "--to", "10", "--without", "prod-azure")
    assert (code, two.share()) == (0, [10, 0]), said
    assert two.state().history[-1].without == ("prod-azure",)
    assert "prod-azure was left out" in two.run("status", SERVICE)[1]
    assert two.run("step", SERVICE, "--to", "10")[0] == 0
    assert two.share() == [10, 10]
    assert two.run("step", SERVICE, "--to", "25", "--without", "prod-aws")[0] == 0
    assert two.share() == [10, 25]
    assert two.run("step", SERVICE, "--to", "50")[0] == 0
    assert (two.share(), two.state().without) == ([50, 50], ())


def test_a_write_that_another_actor_undoes(two: Project) -> None:
    """Where somebody sets the weights back at once, it is seen, and every cluster goes back: exit code 4."""
    two.deploy()
    before = two.api("prod-azure").get(VIRTUAL_SERVICE, SERVICE, SPACE)
    assert before
    stop = threading.Event()

    def undo() -> None:
        while not stop.is_set():
            found = two.api("prod-azure").get(VIRTUAL_SERVICE, SERVICE, SPACE)
            if found and traffic.weights(found, SERVICE)[V2]:
                two.api("prod-azure").merge(VIRTUAL_SERVICE, SERVICE, SPACE, {"spec": before["spec"]})

    with ExitStack() as stack:
        place = site(two, stack)
        slow: dict[str, Any] = {**place.config, "prod-azure": _Slow(place.config["prod-azure"])}
        thread = threading.Thread(target=undo)
        thread.start()
        try:
            with pytest.raises(Restored, match="somebody has undone the write") as caught:
                step(replace(place, config=slow), 10, SETTINGS, Judge())
        finally:
            stop.set()
            thread.join()
    assert caught.value.exit_code == 4
    assert (two.share(), two.state().intent) == ([0, 0], None)
    assert two.state().history[-1].action is Action.RESTORE


class _Slow(Between):
    """A cluster that takes its time between a write of weights and what follows."""

    def replace(self, kind: Any, body: Any, *, dry_run: bool = False) -> Any:
        result = self._api.replace(kind, body, dry_run=dry_run)
        if kind == VIRTUAL_SERVICE and not dry_run:
            time.sleep(1.0)
        return result


def test_fifty_at_once(two: Project) -> None:
    """Of fifty jobs that take the same step at once it is taken exactly once; the others wait or find it done."""
    two.deploy()
    with ExitStack() as stack:
        places = [site(two, stack, who=f"job {number}") for number in range(50)]

        def take(place: Site) -> str:
            try:
                return "moved" if step(place, 10, SETTINGS, Judge(), wait=5).changed else "was done"
            except LockHeld:
                return "held"

        with ThreadPoolExecutor(50) as pool:
            ends = Counter(pool.map(take, places))
    assert ends["moved"] == 1, ends
    assert set(ends) <= {"moved", "was done", "held"}
    assert two.share() == [10, 10]
    assert Counter(entry.action for entry in two.state().history)[Action.STEP] == 1


def test_a_foreign_edit(two: Project) -> None:
    """Weights that somebody else has set are not stepped over: status says so, abort and --force are the ways on."""
    two.deploy()
    to(two, 10)
    found = two.api("prod-azure").get(VIRTUAL_SERVICE, SERVICE, SPACE)
    assert found
    two.api("prod-azure").replace(VIRTUAL_SERVICE, traffic.moved(found, SERVICE, {V1: 40, V2: 60}))
    assert "somebody else has changed weights: prod-azure" in two.run("status", SERVICE)[1]
    code, said = two.run("step", SERVICE, "--to", "25")
    assert (code, two.share()) == (1, [10, 60])
    assert f"prod-azure has {V1} 40, {V2} 60; mcci wrote {V1} 90, {V2} 10" in said
    assert two.run("step", SERVICE, "--to", "25", "--force")[0] == 0
    assert two.share() == [25, 25]
    assert "somebody else has changed" in two.state().history[-1].forced[0]
    two.api("prod-azure").merge(VIRTUAL_SERVICE, SERVICE, SPACE, {"spec": found["spec"]})
    assert two.run("abort", SERVICE)[0] == 0
    assert two.share() == [0, 0]


def test_a_lease_that_ran_out_under_a_slow_job(two: Project) -> None:
    """A job that slept through its Lease writes nothing more, whoever came after it."""
    two.deploy()

    class Sleepy(Between):
        def replace(self, kind: Any, body: Any, *, dry_run: bool = False) -> Any:
            if kind == VIRTUAL_SERVICE and dry_run:
                forget_the_dead(two)  # as if it had run out
                code, said = two.run("step", SERVICE, "--to", "10")
                assert code == 0, said
            return self._api.replace(kind, body, dry_run=dry_run)

    with ExitStack() as stack:
        place = site(two, stack, who="slow")
        apis: dict[str, Any] = {**place.config, "prod-azure": Sleepy(place.config["prod-azure"])}
        with pytest.raises((LeaseLost, Conflict)):
            step(replace(place, config=apis), 10, SETTINGS, Judge())
    assert two.share() == [10, 10]
    actors = [entry.actor.who for entry in two.state().history if entry.action is Action.STEP]
    assert len(actors) == 1
    assert actors[0] != "slow"


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_clocks_that_are_wrong(two: Project, seconds: float) -> None:
    """The bake time is counted by the API server's clock: a runner an hour off neither hurries nor waits."""
    two.deploy()

    class Wrong(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(seconds=seconds)

    baking = replace(SETTINGS, bake=Duration(600))
    with ExitStack() as stack:
        place = site(two, stack)
        step(place, 10, SETTINGS, Judge())
        with pytest.raises(McciError, match=r"this step bakes for 10m: (9m|10m)"):
            step(replace(place, clock=Wrong()), 25, baking, Judge())
    assert two.share() == [10, 10]


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Every renewal ends with its command."""
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease ")]
