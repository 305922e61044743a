"""One command's time with a canary: the lock is held, the clusters were read, and what a killed job left is settled."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcci.canary import settle, traffic
from mcci.canary.clusters.move import Note, move, write_state
from mcci.canary.clusters.survey import look
from mcci.canary.guards import Hold, OnHold, deploying, refuse, stale
from mcci.canary.plan import NoCanary
from mcci.canary.settle import Found
from mcci.canary.state import Action, Intent
from mcci.clients.kubernetes.api import Unreachable
from mcci.clusters import leases
from mcci.clusters.leases import Holder, LeaseLost
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.canary.clusters.move import Moved
    from mcci.canary.clusters.site import Guard, Site
    from mcci.canary.facts import Survey
    from mcci.canary.state import State


class ForeignEdit(McciError):
    """Somebody else has changed the weights, so they are no longer those that were judged."""


class NoLock:
    """No lock is held, so nothing may be written."""

    token = 0

    def check(self) -> None:
        """Raise: a dry run must not come this far."""
        raise LeaseLost("a dry run writes nothing.")


@dataclass(slots=True, kw_only=True)
class Session:
    """What a command works with. `told` are lines about what was settled.

    With `spare` it goes on without clusters that hold no weights and do not answer.
    """

    site: Site
    held: Guard
    survey: Survey
    told: list[str]
    dry_run: bool = False
    spare: bool = False

    @property
    def state(self) -> State | None:
        """The newest state in the clusters."""
        return self.survey.state

    def again(self) -> None:
        """Read the clusters once more."""
        self.site, self.survey = look(self.site, spare=self.spare)

    def move(
        self,
        state: State,
        action: Action,
        target: Mapping[str, int],
        step: int,
        note: Note,
        judged: Mapping[str, Any] | None = None,
    ) -> Moved:
        """Move the weights in every cluster, as this job; `judged` is the judge's state once they are moved."""
        intent = Intent(
            action=action, source=dict(state.weights), target=dict(target), step=step, actor=self.site.actor,
            at=self.site.now(), token=self.held.token, judged=judged or {},
        )  # fmt: skip
        return move(self.site, self.held, self.survey, state, intent, note)

    def write(self, state: State) -> None:
        """Write the state alone."""
        write_state(self.site, self.held, self.survey, state)

    def sync(self) -> None:
        """Bring the state to the config clusters that have not heard the newest: one was out, or a job was killed."""
        state = self.state
        copies = [view.state for view in self.survey.config.values()]
        if state and not self.dry_run and any(copy != state for copy in copies):
            self.write(state)
            self.again()

    def refuse_if_busy(self) -> None:
        """Raise `Stale` or `Busy` where this job must not move traffic now."""
        refuse([*stale(self.survey, self.site.actor.pipeline), *deploying(self.survey)])


@contextmanager
def opened(
    site: Site, *, wait: float = 0, ttl: float = leases.TTL, dry_run: bool = False, spare: bool = False
) -> Iterator[Session]:
    """Hold the lock in the leading cluster, and read all clusters; with `dry_run` only read.

    With `spare` a cluster that holds no weights need not answer.

    Raises `LockHeld`, `LeaseLost`, and what reading raises.
    """
    if dry_run:
        site, survey = look(site, spare=spare)
        yield Session(site=site, held=NoLock(), survey=survey, told=[], dry_run=True, spare=spare)
        return
    pipeline = "" if site.actor.pipeline is None else str(site.actor.pipeline)
    holder = Holder(identity=site.actor.who, pipeline=site.actor.pipeline_url or pipeline, job_url=site.actor.job_url)
    api = site.config[site.leader]
    with ExitStack() as stack:
        try:
            lock = leases.hold(
                api, site.namespace, site.name, holder, ttl=ttl, wait=wait, clock=site.clock, ended=site.ended,
                say=site.log,
            )  # fmt: skip
            held = stack.enter_context(lock)
        except Unreachable as error:
            advice = f"nothing was changed: {site.leader} leads; `--without {site.leader}` goes on without it"
            raise Unreachable(f"{advice}: {error}") from error
        site, survey = look(site, spare=spare)
        yield Session(site=site, held=held, survey=survey, told=[], spare=spare)


def live(site: Site, survey: Survey) -> dict[str, Mapping[str, int] | str]:
    """Return the weights in each config cluster, or why they cannot be read."""
    found: dict[str, Mapping[str, int] | str] = {}
    for name, view in survey.config.items():
        if view.virtual_service is None:
            found[name] = f"no VirtualService {site.virtual_services[name]}"
            continue
        try:
            found[name] = traffic.weights(view.virtual_service, site.service)
        except traffic.TrafficError as error:
            found[name] = str(error)
    return found


def require_traffic(session: Session) -> None:
    """Raise `NoCanary` where a config cluster has no VirtualService of the service at all."""
    for name, view in session.survey.config.items():
        if view.virtual_service is None:
            service = session.site.service
            raise NoCanary(
                f"{name}: there is no VirtualService {session.site.virtual_services[name]} in the namespace "
                f"{session.site.namespace}, so {service} has no weights to move. `mcci deploy` writes it."
            )


def settled(session: Session, goal: Mapping[str, int] | None, *, force: bool) -> tuple[str, ...]:
    """Settle what a killed job left, and return what is taken by force.

    A move that was on its way to `goal`, or an abort, is finished; any other one is taken back. Raises `ForeignEdit`
    where somebody else has changed weights, unless `force`.
    """
    state = session.state
    assert state
    found = settle.look(state, live(session.site, session.survey))
    details = "; ".join(found.details)
    if found.found is Found.FOREIGN:
        return _foreign(session, state, details, force=force)
    if found.found is Found.CLEAN:
        session.sync()
        return ()
    intent = state.intent
    assert intent
    if session.dry_run:
        session.told.append(f"would settle a {intent.action.value} by {intent.actor.who}: {found.found.value}")
        return ()
    by = f"{intent.action.value} by {intent.actor.who} at {intent.at:%H:%M:%S} UTC"
    if found.found is Found.COMPLETE:
        session.told.append(f"finished the record of a {by}: {found.found.value}")
        session.write(settle.finished(state, intent, session.site.now(), why=found.found.value))
    elif found.found is Found.UNSTARTED:
        session.told.append(f"dropped a {by}: {found.found.value}")
        session.write(settle.dropped(state))
    elif intent.action is Action.ABORT or (goal is not None and traffic.same(goal, intent.target)):
        session.told.append(f"resumed a {by}: {details}")
        move(session.site, session.held, session.survey, state, intent, Note(why=f"resumed: {details}"))
    else:
        session.told.append(f"took back a {by}: {details}")
        back = replace(intent, action=Action.RESTORE, source=intent.target, target=intent.source, step=state.step)
        note = Note(why=f"taken back: {details}")
        move(session.site, session.held, session.survey, replace(state, weights=intent.target), back, note)
    session.again()
    return ()


def _foreign(session: Session, state: State, details: str, *, force: bool) -> tuple[str, ...]:
    wrote = traffic.words(state.weights)
    problem = f"somebody else has changed the weights of {session.site.service}: {details}; mcci wrote {wrote}"
    if not force:
        raise ForeignEdit(
            f"{problem} ({state.actor.who}, {state.since:%Y-%m-%d %H:%M:%S} UTC). Nothing was changed. "
            f"`mcci canary abort {session.site.service}` gives all traffic to {state.stable}; --force goes on, and is "
            "recorded."
        )
    return (problem,)


def hold_unless(holds: list[Hold], *, force: bool) -> tuple[str, ...]:
    """Raise `OnHold` for what stands in the way; with `force` return it, to be recorded."""
    if holds and not force:
        error = OnHold("\n".join(hold.text for hold in holds))
        error.bakes = holds[0].seconds if holds[0].guard == "bake" else None
        raise error
    return tuple(hold.text for hold in holds)
