"""Makes a canary that has all the traffic the stable version; no weight moves, and no pod restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mcci.canary import guards, plan, settle, traffic
from mcci.canary.actions import judged
from mcci.canary.clusters.session import hold_unless, opened, require_traffic, settled
from mcci.canary.outcome import Outcome
from mcci.canary.plan import NotInPlan
from mcci.canary.state import Action, Entry, Phase
from mcci.canary.verdict import Verdict

if TYPE_CHECKING:
    from mcci.canary.clusters.session import Session
    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State
    from mcci.canary.verdict import Judge, Look
    from mcci.config.canary import Canary


def promote(
    site: Site, settings: Canary, judge: Judge, *, force: bool = False, wait: float = 0, dry_run: bool = False
) -> Outcome:
    """Make the canary, once it has all the traffic, the stable version; the old one stays for the rollback window.

    Run again, it changes nothing. Raises what `step` raises, and like it gives the traffic back after a verdict of
    fail: code 4.
    """
    with opened(site, wait=wait, dry_run=dry_run) as session:
        if session.state and was_promoted(session.state):
            return _again(session, session.state)
        state = plan.check_canary(session.state, site.service)
        require_traffic(session)
        session.refuse_if_busy()
        forced = settled(session, {state.stable: 0, state.canary: 100}, force=force)
        state = plan.check_canary(session.state, site.service)
        _check_step(state)
        needed = guards.capacity(state, session.survey, lost=bool(site.without))
        guards.refuse(guards.carries(session.survey, state.weights, needed))
        forced += hold_unless(guards.baked(state.since, session.site.now(), settings.bake), force=force)
        look = judged.look_at(session, state, judge)
        if look.verdict is Verdict.FAIL and not force:
            return judged.rolled_back(session, state, look, dry_run=dry_run)
        forced += judged.hold_or_force(session, state, look, force=force, dry_run=dry_run)
        if dry_run:
            line = f"would make {state.canary} the stable version of {state.service}"
            return Outcome(lines=(*session.told, line), state=state, look=look)
        return _promote(session, state, look, settings, forced)


def was_promoted(state: State) -> bool:
    """Whether the last thing done was a promotion."""
    return state.phase is Phase.STABLE and bool(state.history) and state.history[-1].action is Action.PROMOTE


def _check_step(state: State) -> None:
    if state.weights.get(state.canary, 0) != 100:
        following = plan.next_step(state)
        raise NotInPlan(
            f"the canary {state.canary} of {state.service} has {state.weights.get(state.canary, 0)} % of the traffic; "
            f"it is promoted when it has all of it. The next step is "
            f"`mcci canary step {state.service} --to {following or 100}`."
        )


def _promote(session: Session, state: State, look: Look, settings: Canary, forced: tuple[str, ...]) -> Outcome:
    now = session.site.now()
    entry = Entry(
        action=Action.PROMOTE, at=now, actor=session.site.actor, version=state.canary, step=state.step,
        weights=state.weights, verdict=look.verdict.value, why=look.why, forced=forced, without=session.site.without,
        evidence=look.evidence,
    )  # fmt: skip
    after = settle.promoted(state, now, now + timedelta(seconds=settings.rollback_window), entry)
    session.write(after)
    kept = (
        f"{after.previous} stays ready until {after.keep_until:%Y-%m-%d %H:%M:%S} UTC: until then "
        f"`mcci canary abort {after.service}` goes back to it; a later deployment retires it"
    )
    lines = [
        *session.told,
        f"{after.stable} is the stable version of {after.service}: {traffic.words(after.weights)}",
        kept,
        *(f"forced: {each}" for each in forced),
    ]
    return Outcome(lines=tuple(lines), state=after, look=look, changed=True)


def _again(session: Session, state: State) -> Outcome:
    """It was promoted before; a cluster that did not hear of it then hears of it now."""
    session.sync()
    line = f"{state.stable} was made the stable version of {state.service} before: nothing to change"
    return Outcome(lines=(line,), state=state)
