"""Takes one step of a canary: settle, guard, judge, move; and gives the traffic back where the judge says fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcci.canary import guards, plan, traffic
from mcci.canary.actions import judged
from mcci.canary.actions.scale import scale_for
from mcci.canary.clusters.move import Note
from mcci.canary.clusters.session import hold_unless, live, opened, require_traffic, settled
from mcci.canary.guards import OnHold
from mcci.canary.outcome import Outcome
from mcci.canary.state import Action
from mcci.canary.verdict import Verdict
from mcci.config.model import Gate

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.canary.clusters.session import Session
    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State
    from mcci.canary.verdict import Judge
    from mcci.config.canary import Canary


def step(
    site: Site,
    to: int,
    settings: Canary,
    judge: Judge,
    *,
    force: bool = False,
    scale: bool = False,
    wait: float = 0,
    dry_run: bool = False,
) -> Outcome:
    """Move the canary's weight to `to` in every config cluster; where it is there already, change nothing.

    With `scale` versions with too few pods get more first.

    Raises `NotInPlan`, `NoCanary`, `Stale`, `Busy`, `OnHold`, `ForeignEdit`, `LockHeld`, and what `move` raises. Where
    the judge says fail all traffic goes back to the stable version, and the outcome's code is 4.
    """
    plan.check_weight(to)
    with opened(site, wait=wait, dry_run=dry_run) as session:
        state = plan.check_canary(session.state, site.service)
        require_traffic(session)
        session.refuse_if_busy()
        forced = settled(session, {state.stable: 100 - to, state.canary: to}, force=force)
        state = plan.check_canary(session.state, site.service)
        if plan.is_done(state, to) and not (force and to < state.step):
            return _unchanged(session, state, to)
        forced += plan.check_step(state, to, settings.steps, force=force)
        if scale and not dry_run:
            needed = guards.capacity(state, session.survey)
            scaled = scale_for(session, {state.stable: 100 - to, state.canary: to}, needed)
            session.told += scaled
        return _take(session, state, to, settings, judge, forced, force=force, dry_run=dry_run)


def patiently(site: Site, settings: Canary, seconds: float, take: Callable[[], Outcome]) -> Outcome:
    """Take a step or a promotion; where jobs start by themselves, wait out the bake time, but at most `seconds`.

    Nobody presses such a job again. The lock is free meanwhile, so that a person can abort.
    """
    begun = site.clock.elapsed()
    while True:
        try:
            return take()
        except OnHold as hold:
            left = seconds - (site.clock.elapsed() - begun)
            if settings.gate is not Gate.AUTOMATIC or hold.bakes is None or hold.bakes > left:
                raise
            site.log(f"{hold} Waiting.")
            site.clock.sleep(hold.bakes)


def _take(
    session: Session,
    state: State,
    to: int,
    settings: Canary,
    judge: Judge,
    forced: tuple[str, ...],
    *,
    force: bool,
    dry_run: bool,
) -> Outcome:
    target = {state.stable: 100 - to, state.canary: to}
    needed = guards.capacity(state, session.survey, lost=bool(session.site.without))
    guards.refuse(guards.carries(session.survey, target, needed))
    look, note = None, Note(forced=forced)
    state = replace(state, plan=settings.steps, replicas=state.replicas or needed)
    if state.step:
        forced += hold_unless(guards.baked(state.since, session.site.now(), settings.bake), force=force)
        look = judged.look_at(session, state, judge)
        if look.verdict is Verdict.FAIL and not force:
            return judged.rolled_back(session, state, look, dry_run=dry_run)
        forced += judged.hold_or_force(session, state, look, force=force, dry_run=dry_run)
        note = Note(verdict=look.verdict.value, why=look.why, forced=forced, evidence=look.evidence)
        state = replace(state, judged=look.judged)
    if dry_run:
        return Outcome(lines=(*session.told, f"would move {state.service} to {traffic.words(target)}"), state=state)
    begin = judge.begin(state, session.site.now())
    moved = session.move(state, Action.STEP, target, to, note, begin)
    lines = [*session.told, f"{state.service} has {traffic.words(target)}", *(f"forced: {each}" for each in forced)]
    clusters = len(session.site.config)
    if clusters > 1:
        lines.append(f"{clusters} config clusters, {moved.skew:.2f} s apart")
    lines += [f"without {name}" for name in session.site.without]
    return Outcome(lines=tuple(lines), state=moved.state, look=look, skew=moved.skew, changed=True)


def _unchanged(session: Session, state: State, to: int) -> Outcome:
    """The step was taken before. A cluster that was left out then, and is back, is brought along."""
    behind = [
        name
        for name, found in live(session.site, session.survey).items()
        if isinstance(found, str) or not traffic.same(found, state.weights)
    ]
    if behind and not session.dry_run:
        names = ", ".join(behind)
        moved = session.move(state, Action.STEP, state.weights, state.step, Note(why=f"brought {names} along"))
        line = f"brought {names} along: {traffic.words(state.weights)}"
        return Outcome(lines=(*session.told, line), state=moved.state, skew=moved.skew, changed=True)
    line = f"the step to {to} was taken before; {state.service} has {traffic.words(state.weights)}: nothing to change"
    return Outcome(lines=(*session.told, line), state=state)
