"""One cluster's part of a deploy: lock, look, decide, check, act, record; and back again when it fails."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcci.canary.state import name_of
from mcci.clients.helm import storage
from mcci.clients.kubernetes.api import CONFIG_MAP, SECRET, VIRTUAL_SERVICE
from mcci.clusters import leases
from mcci.delivery.deploy import live as live_now
from mcci.delivery.deploy import locks, namespace, record, wanted
from mcci.delivery.deploy.apply import Apply
from mcci.delivery.deploy.model import Chart, ServicePlan, Upgrade
from mcci.delivery.deploy.plan import plan
from mcci.delivery.deploy.session import AT_ONCE
from mcci.delivery.deploy.situations import is_in, is_in_place, needs_leader, situation
from mcci.delivery.deploy.undo import RolledBack, undo
from mcci.delivery.deploy.watch import Cancelled, Rollouts
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.clients.kubernetes.api import Object
    from mcci.clusters.leases import Held
    from mcci.config.model import Service
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.prepare import Prepared
    from mcci.delivery.deploy.record import Good
    from mcci.delivery.deploy.session import Session, Target

RESERVE = 1 / 3  # of the time: for bringing back what was running


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a service on a cluster; `changed` counts the releases that were written."""

    service: str
    plan: ServicePlan
    changed: int


@dataclass(slots=True, kw_only=True)
class ClusterDeploy:
    """A deploy to one cluster. `leader` is the leading config cluster, where it is another one.

    `open` first, then `plans`, `run`, and `close` whatever happens. Raises what its parts raise; nothing is changed
    before `run`, but for the lock, and releases that a dead job left pending.
    """

    session: Session
    target: Target
    leader: Target
    back_to: Good | None = None  # a rollback's release
    cancelled: threading.Event = field(default_factory=threading.Event)
    live: Live = field(init=False)
    leading: Live | None = None
    held: Held | None = None
    plans: tuple[ServicePlan, ...] = ()
    _namespace: Object | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.target.name

    @property
    def is_new(self) -> bool:
        """Whether the namespace is not there yet."""
        return self._namespace is None

    def open(self, *, lock: bool) -> None:
        """Find the namespace, lock it where `lock`, see what is there, and decide."""
        session, api = self.session, self.target.api
        self._namespace = namespace.find(api, session.namespace, session.config.application)
        if self._namespace is None:
            self.live = live_now.Live(cluster=self.name)
        else:
            if lock:
                self._lock()
            self.live = live_now.read(api, session.namespace)
        record.check_fresh(self.live.record, session.job.pipeline_id, self.name)
        if lock and self.held:
            self._recover()
        if self.leader.name != self.name and self._asks_leader():
            self.leading = live_now.read(self.leader.api, session.namespace)
        self.plans = self._plans()

    def close(self) -> None:
        """Give the lock back."""
        self._stack.close()

    def stop(self) -> None:
        """Give up: nothing more is begun, and every helm that runs is ended."""
        self.cancelled.set()
        self.target.helm.stop()

    def prepared(self) -> list[Prepared]:
        """Return the upgrades that would change something, with their values."""
        apply = self._apply(Rollouts(self.target.api, self.session.namespace, self._say, self.cancelled), 0)
        found = [
            (each, apply.prepare(each, step)) for each in self.plans for step in each.steps if isinstance(step, Upgrade)
        ]
        return [each for plan, each in found if self.session.again or not apply.is_made(plan, each)]

    def rendering(self, found: Prepared) -> Callable[[], str]:
        """Return what renders an upgrade, as this cluster would; it raises `ChartRefused`."""

        def render() -> str:
            self.session.masks.learn(found.values)
            with self.session.slots:
                return self.target.helm.template(found.step.release, found.chart, found.values, self.session.namespace)

        return render

    def run(self) -> tuple[Outcome, ...]:
        """Bring the plans about. Raises `RolledBack` when something failed and what was running runs again."""
        begun = time.monotonic()
        session = self.session
        if self.held is None:
            namespace.ensure(self.target.api, session.namespace, session.config.application, self._namespace)
            self._lock()
            self.live = live_now.read(self.target.api, session.namespace)
            self.plans = self._plans()
        else:
            namespace.ensure(self.target.api, session.namespace, session.config.application, self._namespace)
        deadline = begun + session.timeout
        rollouts = Rollouts(self.target.api, session.namespace, self._say, self.cancelled)
        apply = self._apply(rollouts, begun + session.timeout * (1 - RESERVE))
        if any(each.step.version for each in self.prepared()):
            rollouts.start()
        try:
            with locks.watched(apply.held, self.stop, self.name):
                self._services(apply)
                live_now.require_kept(self.target.api, session.namespace, apply.installed)
                self._record()
        except McciError as error:
            self._back(apply, deadline, error)
            raise
        finally:
            rollouts.close()
        return tuple(Outcome(service=p.service, plan=p, changed=apply.changed.get(p.service, 0)) for p in self.plans)

    def _services(self, apply: Apply) -> None:
        """Bring every service's plan about, some at once; the first that fails stops the others."""
        first: BaseException | None = None
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"deploy {self.name}") as pool:
            futures = [pool.submit(self._service, apply, each) for each in self.plans]
            try:
                for future in as_completed(futures):
                    error = future.exception()
                    if error and (first is None or isinstance(first, Cancelled)):
                        first = error
                        self.cancelled.set()
            except BaseException:
                self.stop()
                raise
        if first:
            raise first

    def _service(self, apply: Apply, wanted_plan: ServicePlan) -> None:
        """Bring one service's plan about; its traffic is touched under the lock of its canary."""
        service = self.session.config.services[wanted_plan.service]
        begin, rest = _split(wanted_plan)
        apply.service(begin)
        if not rest.steps:
            return
        if not self._is_guarded(service):
            apply.service(rest)
            return
        state = self.live.state(service.name)
        if apply.is_current(rest) and apply.next_state(wanted_plan, state) is None:
            return
        with self.locked(service.name) as held:
            fresh, found = self._fresh(service.name)
            again = plan(self._situation(service, fresh))
            now = replace(apply, live=fresh, held=[*apply.held, held])
            now.service(_split(again)[1])
            now.write_state(again, found, held.token, self.leader.name)

    @contextmanager
    def locked(self, service: str) -> Iterator[Any]:
        """Hold the lock on a service's traffic, where there is one."""
        session = self.session
        if not self._is_guarded(session.config.services[service]):
            with nullcontext() as nothing:
                yield nothing
            return
        with locks.on_traffic(session, self.leader, service, self._say) as held:
            yield held

    def _fresh(self, service: str) -> tuple[Live, Object | None]:
        """Return what the traffic and the canary's state are now, under their lock."""
        api, space = self.target.api, self.session.namespace
        routes = api.get(VIRTUAL_SERVICE, service, space)
        state = api.get(CONFIG_MAP, name_of(service), space)
        services = {**self.live.virtual_services, **({service: routes} if routes else {})}
        maps = {**self.live.config_maps, **({name_of(service): state} if state else {})}
        return replace(self.live, virtual_services=services, config_maps=maps), state

    def _is_guarded(self, service: Service) -> bool:
        session = self.session
        routes = self.name in session.config.config_clusters(session.environment)
        return routes and not is_in_place(session.config, session.environment, service)

    def _record(self) -> None:
        """Write what the environment now runs."""
        assert self.held is not None
        self.held.check()
        old = self.live.record
        now = wanted.good(self.session, self.plans)
        new = record.rolled_back(old, self.back_to, now) if old and self.back_to else record.deployed(old, now)
        if old == new:
            return
        found = self.live.config_maps.get(record.NAME)
        body = record.config_map(new, self.session.namespace, self.held.token, found)
        if found:
            self.target.api.replace(CONFIG_MAP, body)
        else:
            self.target.api.create(CONFIG_MAP, body)

    def _back(self, apply: Apply, deadline: float, error: McciError) -> None:
        """Bring back what was running, if anything was changed, and this may still be done."""
        if not apply.undo or isinstance(error, leases.LeaseLost):
            return
        self._say(f"failed: {error}")
        self._say("bringing back what was running")
        done = undo(apply, deadline, self.locked)
        raise RolledBack(f"{error}\n{self.name}: rolled back to what was running ({', '.join(done)}).") from error

    def _lock(self) -> None:
        self.held = self._stack.enter_context(locks.on_cluster(self.session, self.target, self._say))

    def _recover(self) -> None:
        """Mark what a dead job left pending as failed: the lock is ours, so no helm of mcci's is at it."""
        ours = [
            secret
            for secret in self.live.pending
            if storage.read(secret).config.get("app") in self.session.config.services
        ]
        for secret in ours:
            release = storage.read(secret)
            self._say(f"{release.name}: revision {release.revision} was left {release.status} by a job that died")
            self.target.api.replace(SECRET, storage.marked_failed(secret))
        if ours:
            self.live = live_now.read(self.target.api, self.session.namespace)

    def _plans(self) -> tuple[ServicePlan, ...]:
        session = self.session
        services = [each for each in session.services if is_in(session.environment, each)]
        return tuple(plan(self._situation(each, self.live)) for each in services)

    def _situation(self, service: Service, seen: Live) -> Any:
        session = self.session
        image = wanted.image(session, service, seen)
        return situation(session.config, session.environment, service, image, seen, self.leading, session.now())

    def _asks_leader(self) -> bool:
        session = self.session
        return any(needs_leader(session.config, session.environment, each, self.name) for each in session.services)

    def _apply(self, rollouts: Rollouts, deadline: float) -> Apply:
        held = [self.held] if self.held else []
        return Apply(
            session=self.session, target=self.target, live=self.live, held=held, rollouts=rollouts,
            cancelled=self.cancelled, deadline=deadline,
        )  # fmt: skip

    @property
    def _say(self) -> Callable[[str], None]:
        return self.session.at(self.name)


def _split(whole: ServicePlan) -> tuple[ServicePlan, ServicePlan]:
    """Return the steps before the traffic is touched, and the rest."""
    steps = whole.steps
    at = next(
        (n for n, step in enumerate(steps) if isinstance(step, Upgrade) and step.chart is Chart.ISTIO), len(steps)
    )
    return replace(whole, steps=steps[:at]), replace(whole, steps=steps[at:])
