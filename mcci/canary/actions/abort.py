"""Gives the traffic back to the stable version, at once or step by step down the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.canary import guards, settle, traffic
from mcci.canary.clusters.move import Note
from mcci.canary.clusters.session import live, opened, require_traffic
from mcci.canary.outcome import Outcome
from mcci.canary.plan import NoCanary
from mcci.canary.settle import Found
from mcci.canary.state import Action, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.canary.clusters.move import Moved
    from mcci.canary.clusters.session import Session
    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State


def give_back(session: Session, state: State, note: Note, *, force: bool = False) -> Moved:
    """Give all traffic to the stable version, whatever the weights are now.

    Raises `OnHold` where the stable version has not the ready pods to carry it: traffic stays where it is served.
    """
    return down_to(session, state, 0, note, force=force)


def down_to(session: Session, state: State, weight: int, note: Note, *, force: bool = False) -> Moved:
    """Move the canary down to `weight`."""
    back, away = sides(state)
    target = {back: 100 - weight, away: weight}
    if not force:
        # one ready pod must do: too few are better than broken ones, and the autoscaler follows the load
        guards.refuse(guards.carries(session.survey, target, 1))
    step = max((each for each in state.plan if each <= weight), default=0)
    return session.move(state, Action.ABORT, target, step, note)


def sides(state: State) -> tuple[str, str]:
    """Return the version that gets the traffic back, and the one that loses it. Raises `NoCanary`."""
    if state.canary:
        return state.stable, state.canary
    if state.previous:
        return state.previous, state.stable
    raise NoCanary(
        f"{state.service} has no canary to abort: all traffic goes to {state.stable}. `mcci rollback` brings an "
        "earlier release back."
    )


def lower_steps(state: State) -> list[int]:
    """Return the weights of a gradual abort: the plan's below where the canary is, then 0."""
    away = sides(state)[1]
    now = state.weights.get(away, 0)
    return [*(weight for weight in reversed(state.plan) if weight < now), 0]


def is_back(state: State) -> bool:
    """Whether an abort was carried out already."""
    return state.phase is Phase.ABORTED and traffic.same(state.weights, {state.stable: 100})


def abort(site: Site, *, pause: float = 0, force: bool = False, wait: float = 0, dry_run: bool = False) -> Outcome:
    """Give all traffic back to the stable version, whatever anybody made of the weights; run again, change nothing.

    With `pause` the canary goes down its plan, that many seconds between the steps. After a promotion, and while the
    version before is still ready, it goes back to that one. Raises `NoCanary`, `Stale`, `OnHold` where the stable
    version has no ready pod, `LockHeld`, and what `move` raises. Clusters that hold no weights need not answer: the
    traffic may have to be taken back because one of them is lost.
    """
    with opened(site, wait=wait, dry_run=dry_run, spare=True) as session:
        if session.state is None:
            raise NoCanary(f"{site.service} was never deployed here, so there is nothing to abort.")
        require_traffic(session)
        guards.refuse(guards.stale(session.survey, site.actor.pipeline))
        state = session.state
        if is_back(state) and not state.intent and _all_have(session, state.weights):
            session.sync()
            line = f"{site.service} was given back to {state.stable} before: nothing to change"
            return Outcome(lines=(line,), state=state)
        back, _ = sides(state)
        if dry_run:
            return Outcome(lines=(f"would give all traffic of {site.service} to {back}",), state=state)
        found = settle.look(state, live(session.site, session.survey))
        note = Note(why="" if found.found is Found.CLEAN else f"{found.found.value}: {'; '.join(found.details)}")
        return _down(session, state, lower_steps(state) if pause else [0], pause, note, force=force)


def _down(session: Session, state: State, weights: list[int], pause: float, note: Note, *, force: bool) -> Outcome:
    lines, skew = list(session.told), 0.0
    for number, weight in enumerate(weights):
        if number:
            session.site.clock.sleep(pause)
            session.held.check()
            session.again()
        moved = down_to(session, state, weight, note, force=force)
        state, skew = moved.state, max(skew, moved.skew)
        session.site.log(f"{state.service} has {traffic.words(state.weights)}")
    lines.append(f"all traffic of {state.service} goes to {state.stable}")
    return Outcome(lines=tuple(lines), state=state, skew=skew, changed=True)


def _all_have(session: Session, weights: Mapping[str, int]) -> bool:
    found = live(session.site, session.survey).values()
    return all(not isinstance(each, str) and traffic.same(each, weights) for each in found)
