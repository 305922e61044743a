"""Clusters in memory with one service that has a canary, and the people who move it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mcci.canary import state as states
from mcci.canary import state_json, traffic
from mcci.canary.clusters.site import Site
from mcci.canary.state import Actor, State
from mcci.canary.verdict import Look, Verdict
from mcci.clients.kubernetes.api import CONFIG_MAP, NAMESPACE, POD, VIRTUAL_SERVICE
from mcci.config.model import Canary, Duration
from tests.unit.canary.objects import ANNA, NOW, V1, V2, virtual_service
from tests.unit.clusters.fake_api import FakeApi, Script
from tests.unit.clusters.fake_api import State as Cluster

SERVICE, SPACE = "staff-service", "vehicles"
SETTINGS = Canary(steps=(10, 25, 50, 100), bake=Duration(600))


@dataclass(slots=True)
class Clock:
    """Time that passes when it is told to."""

    seconds: float = 0.0

    def elapsed(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Judge:
    """A judge that says what it is told to, and notes what it was asked."""

    verdict: Verdict = Verdict.PASS
    looks: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    def look(self, state: State, troubles: tuple[str, ...], now: datetime) -> Look:
        self.looks += 1
        if troubles:
            return Look(verdict=Verdict.FAIL, reasons=troubles)
        return Look(verdict=self.verdict, reasons=(f"so says the test ({self.verdict.value})",), **self.more)

    def begin(self, state: State, now: datetime) -> dict[str, Any]:
        return {"begun": state.step}


@dataclass(slots=True)
class World:
    """Some clusters; those in `config` hold the VirtualService, all of them run pods."""

    names: tuple[str, ...] = ("prod-aws", "prod-azure")
    others: tuple[str, ...] = ()
    clock: Clock = field(default_factory=Clock)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in (*self.names, *self.others):
            self.clusters[name] = Cluster()
            self.api(name).put(NAMESPACE, {"metadata": {"name": SPACE}})
        self.pods(V1, 2)

    def api(self, name: str, script: Script | None = None, manager: str = "mcci") -> FakeApi:
        """A process's, or somebody's, way to one cluster."""
        return FakeApi(name, self.clusters[name], script, manager=manager)

    def site(self, script: Script | None = None, actor: Actor = ANNA, at_once: int = 1, log: Any = None) -> Site:
        """The clusters, as one process sees them."""
        script = script or Script()
        return Site(
            service=SERVICE,
            environment="production",
            namespace=SPACE,
            virtual_services=dict.fromkeys(self.names, SERVICE),
            config={name: self.api(name, script) for name in self.names},
            others={name: self.api(name, script) for name in self.others},
            actor=actor,
            clock=self.clock,
            at_once=at_once,
            log=log or (lambda line: None),
        )

    def deploy(self, *, canary: str = V2, pods: int = 2, plan: tuple[int, ...] = (10, 25, 50, 100)) -> None:
        """What a production deployment leaves: the canary beside the stable version, at weight 0, in every cluster."""
        first = states.first(SERVICE, V1, "r1", ANNA, self.clock.now())
        state = states.begun(first, canary, plan, "r2", ANNA, self.clock.now(), replicas=2 * len(self.clusters))
        self.pods(canary, pods)
        for name in self.names:
            self.put(name, state)
            self.api(name).put(VIRTUAL_SERVICE, virtual_service({V1: 100, canary: 0}, testers=canary))

    def put(self, name: str, state: State) -> None:
        """Write a state, as somebody else would."""
        body = state_json.config_map(state, SPACE, 0, self.names[0])
        self.api(name).put(CONFIG_MAP, body)

    def pods(self, version: str, count: int, *, ready: bool = True) -> None:
        """Let every cluster have so many pods of a version."""
        for name in self.clusters:
            api = self.api(name)
            for number in range(9):
                api.delete(POD, f"{version}-{number}", SPACE)
            for number in range(count):
                api.put(POD, pod(f"{version}-{number}", version, ready=ready))

    def traffic(self, name: str) -> dict[str, int]:
        """The weights in a cluster, checked to sum to 100."""
        found = self.api(name).peek(VIRTUAL_SERVICE, SERVICE, SPACE)
        assert found
        return traffic.weights(found, SERVICE)

    def share(self) -> list[int]:
        """The canary's weight in each cluster."""
        return [self.traffic(name).get(V2, 0) for name in self.names]

    def shift(self, name: str, weight: int) -> None:
        """Change a weight, as a stranger."""
        found = self.api(name).peek(VIRTUAL_SERVICE, SERVICE, SPACE)
        assert found
        self.api(name, manager="kubectl").put(
            VIRTUAL_SERVICE, traffic.moved(found, SERVICE, {V1: 100 - weight, V2: weight})
        )  # fmt: skip

    def state(self, name: str = "") -> State:
        """The state in a cluster; by default the newest."""
        copies = [
            state_json.read(found)
            for each in ([name] if name else self.names)
            if (found := self.api(each).peek(CONFIG_MAP, states.name_of(SERVICE), SPACE))
        ]
        return max(copies, key=lambda state: state.revision)


def pod(name: str, version: str, *, ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    """A pod of the service."""
    return {
        "metadata": {"name": name, "namespace": SPACE, "labels": {"app": SERVICE, "version": version}},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": SERVICE, "restartCount": restarts, "state": {}}],
        },
    }
