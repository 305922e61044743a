"""Brings a service's plan about on one cluster, step by step, and remembers what was there before."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.canary import state as canary_state
from mcci.canary import state_json
from mcci.clients.helm import storage
from mcci.clients.helm.failures import ChartRefused, HelmUnreachable
from mcci.clients.kubernetes.api import CONFIG_MAP, DEPLOYMENT, SECRET
from mcci.delivery.deploy import rollout
from mcci.delivery.deploy.model import Chart, Uninstall, Upgrade
from mcci.delivery.deploy.prepare import fingerprint_of
from mcci.delivery.deploy.watch import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.canary.state import State
    from mcci.clients.helm.storage import StoredRelease
    from mcci.clients.kubernetes.api import Object
    from mcci.clusters.leases import Held
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.model import ServicePlan, Step
    from mcci.delivery.deploy.prepare import Prepared
    from mcci.delivery.deploy.session import Session, Target
    from mcci.delivery.deploy.watch import Rollouts

PAUSE = 2.0  # seconds between two attempts at a cluster that does not answer
HOOKS = 300.0  # seconds at most for a migration


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What was there before a step: the release in effect (None: none), or the ConfigMap with a canary's state."""

    service: str
    release: str = ""
    before: StoredRelease | None = field(default=None, repr=False)
    state: bool = False
    config_map: Object | None = None


@dataclass(slots=True, kw_only=True)
class Apply:
    """One cluster's part of a deploy. `held` are the locks, checked before every write.

    `deadline` is by `time.monotonic`. Safe to use from several threads, one a service.
    """

    session: Session
    target: Target
    live: Live
    held: list[Held]
    rollouts: Rollouts
    cancelled: threading.Event
    deadline: float
    undo: list[Undo] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)

    @property
    def installed(self) -> frozenset[str]:
        """The releases that were not in effect before."""
        return frozenset(each.release for each in self.undo if each.release and each.before is None)

    def service(self, plan: ServicePlan) -> None:
        """Bring `plan` about. Raises what helm and the API raise, `RolloutFailed`, `LeaseLost` or `Cancelled`."""
        for step in plan.steps:
            self.step(plan, step)

    def is_current(self, plan: ServicePlan) -> bool:
        """Whether every step of `plan` was done before, and is still in effect."""
        return not self.session.again and all(self._is_done(plan, step) for step in plan.steps)

    def prepare(self, plan: ServicePlan, step: Upgrade) -> Prepared:
        """Return the step with its values."""
        return self.session.kitchen.prepare(step, plan.service, self.target.name)

    def step(self, plan: ServicePlan, step: Step) -> None:
        """Do one step, unless it was done before, and wait for the pods that it brings."""
        if self.cancelled.is_set():
            raise Cancelled(f"{self.target.name}: {step.release} was given up: something else failed.")
        if isinstance(step, Uninstall):
            self._uninstall(plan, step)
            return
        prepared = self.prepare(plan, step)
        done = not self.session.again and self.is_made(plan, prepared)
        if not done:
            self._upgrade(plan, prepared)
        if step.version and not (done and self._is_ready(plan, step)):
            name, image, labels = _awaited(plan, step)
            generation = 0 if done else self._generation(name, image)
            self.rollouts.wait(name, image, labels, self.deadline, generation=generation)

    def _generation(self, deployment: str, image: str) -> int:
        """Return which generation of a Deployment an upgrade has made; 0 where its new image tells it from the old."""
        old = self.live.deployments.get(deployment)
        if old is None or not rollout.has_image(old, image):
            return 0
        fresh = self.target.api.get(DEPLOYMENT, deployment, self.session.namespace)
        return int(fresh["metadata"].get("generation") or 0) if fresh else 0

    def _upgrade(self, plan: ServicePlan, prepared: Prepared) -> None:
        step = prepared.step
        self.session.masks.learn(prepared.values)
        with self._turn():
            self._remember(plan.service, step.release)
            self.session.at(self.target.name)(f"{step.release}: {step.why}")
            self._refusable(step.release, lambda: self._helm(prepared))

    def _helm(self, prepared: Prepared) -> None:
        self.target.helm.upgrade(
            prepared.step.release, prepared.chart, prepared.values, self.session.namespace,
            description=prepared.description(self.session.release.name), timeout=self._hooks(),
            checked_by_server=self.live.checks_fields,
        )  # fmt: skip

    def _refusable(self, release: str, upgrade: Callable[[], None]) -> None:
        """Upgrade; a chart that helm refuses to render has changed nothing, so there is nothing to bring back."""
        try:
            self._patiently(release, upgrade)
        except ChartRefused:
            self.undo[:] = [each for each in self.undo if each.release != release]
            raise

    def _patiently(self, release: str, upgrade: Callable[[], None]) -> None:
        """Upgrade, and again while the cluster cannot be reached and there is time: it changes nothing twice."""
        say = self.session.at(self.target.name)
        while True:
            try:
                upgrade()
            except HelmUnreachable as error:
                if self.cancelled.is_set() or time.monotonic() + PAUSE >= self.deadline:
                    raise
                say(f"{release}: the cluster cannot be reached, trying again: {error}")
                self.cancelled.wait(PAUSE)
                for each in self.held:
                    each.check()
                self._unblock(release)
            else:
                return

    def _unblock(self, release: str) -> None:
        """Mark a revision that our own helm could not bring to an end as failed."""
        found = self.target.api.list(SECRET, self.session.namespace, labels=f"owner=helm,name={release}")
        for secret in found:
            if storage.read(secret).status in storage.PENDING:
                self.target.api.replace(SECRET, storage.marked_failed(secret))

    def _uninstall(self, plan: ServicePlan, step: Uninstall) -> None:
        with self._turn():
            if step.release not in self.live.releases:
                return
            self._remember(plan.service, step.release)
            self.session.at(self.target.name)(f"{step.release}: removed, {step.why}")
            self.target.helm.uninstall(step.release, self.session.namespace, timeout=self._hooks())

    def write_state(self, plan: ServicePlan, found: Object | None, token: int, leader: str) -> None:
        """Write the state of the service's canary, where it is not what `plan` makes it."""
        old = state_json.read(found, self.target.name) if found else None
        new = self.next_state(plan, old)
        if new is None:
            return
        for each in self.held:
            each.check()
        self.undo.append(Undo(service=plan.service, state=True, config_map=found))
        body = state_json.config_map(new, self.session.namespace, token, leader, found)
        if found:
            self.target.api.replace(CONFIG_MAP, body)
        else:
            self.target.api.create(CONFIG_MAP, body)

    def next_state(self, plan: ServicePlan, old: State | None) -> State | None:
        session = self.session
        release, now = session.release.name, session.now()
        if old is None:
            old = canary_state.first(plan.service, plan.stable, release, session.actor, now)
            if not plan.canary:
                return old
        service = session.config.services[plan.service]
        canary = session.config.canary_of(service)
        if canary is None or plan.canary != plan.version:
            return None
        going = old.canary == plan.canary and old.phase is canary_state.Phase.CANARY
        if going and old.release == release:
            return None
        replicas = _replicas(self.live, plan.service, plan.stable)
        return canary_state.begun(old, plan.canary, canary.steps, release, session.actor, now, replicas=replicas)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for a turn, and make sure that the cluster may still be changed."""
        with self.session.slots:
            if self.cancelled.is_set():
                raise Cancelled(f"{self.target.name}: given up: something else failed.")
            for each in self.held:
                each.check()
            yield

    def _remember(self, service: str, release: str) -> None:
        if not any(each.release == release for each in self.undo):
            before = self.live.deployed.get(release)
            self.undo.append(Undo(service=service, release=release, before=before))
        self.changed[service] = self.changed.get(service, 0) + 1

    def _hooks(self) -> float:
        return max(1.0, min(HOOKS, self.deadline - time.monotonic()))

    def _is_done(self, plan: ServicePlan, step: Step) -> bool:
        if isinstance(step, Uninstall):
            return step.release not in self.live.releases
        return self.is_made(plan, self.prepare(plan, step)) and (not step.version or self._is_ready(plan, step))

    def is_made(self, plan: ServicePlan, prepared: Prepared) -> bool:
        """Whether the release in effect was made with the same chart and values, and its objects are still there."""
        release = self.live.releases.get(prepared.step.release)
        if release is None or release != self.live.deployed.get(release.name):
            return False
        if fingerprint_of(release) != prepared.fingerprint:
            return False
        if prepared.step.chart is Chart.ISTIO:
            made = "kind: VirtualService" in release.manifest
            return not made or plan.service in self.live.virtual_services
        if "kind: Service\n" in release.manifest and plan.service not in self.live.services:
            return False
        return not prepared.step.version or self._deployment(plan, prepared.step) is not None

    def _is_ready(self, plan: ServicePlan, step: Upgrade) -> bool:
        image = _awaited(plan, step)[1]
        return rollout.judge(self._deployment(plan, step), [], image).done

    def _deployment(self, plan: ServicePlan, step: Upgrade) -> Object | None:
        return self.live.deployments.get(f"{plan.service}-{step.version}")


def _awaited(plan: ServicePlan, step: Upgrade) -> tuple[str, str, dict[str, str]]:
    """Return the Deployment that a step brings, its image, and its pods' labels."""
    image = step.own["image"]
    labels = {"app": plan.service, "version": step.version}
    return f"{plan.service}-{step.version}", f"{image['repository']}@{image['digest']}", labels


def _replicas(live: Live, service: str, version: str) -> int:
    found = live.deployments.get(f"{service}-{version}") or {}
    return int((found.get("spec") or {}).get("replicas") or 0)
