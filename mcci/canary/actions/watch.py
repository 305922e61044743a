"""Stays with a canary while its weight bakes: the judge looks every few seconds, and a bad canary is given up at once.

The lock is held only to act, so that a person can abort meanwhile; then the watch ends and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcci.canary import facts, state_json, traffic
from mcci.canary.actions import judged
from mcci.canary.clusters.session import opened
from mcci.canary.clusters.site import each
from mcci.canary.guards import OnHold
from mcci.canary.outcome import Outcome
from mcci.canary.state import Phase
from mcci.canary.verdict import Look, Verdict
from mcci.clients.kubernetes.api import CONFIG_MAP, POD
from mcci.errors import ExitCode, McciError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.canary.clusters.site import Site
    from mcci.canary.state import State
    from mcci.canary.verdict import Judge

EVERY = 10.0  # seconds between two looks
WAIT = 60.0  # seconds for the lock, when there is something to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look of the watch: the canary's weight, and the evidence as the judgement's JSON."""

    at: float
    weight: int
    look: Look


def stay(
    site: Site,
    state: State,
    judge: Judge,
    seconds: float,
    *,
    bake: float,
    every: float = EVERY,
    seen: Callable[[Sample], object] = bool,
) -> Outcome:
    """Look at the canary of `state` until its weight has baked, but at most `seconds`; return what came of it.

    A verdict of fail gives the traffic back: code 4. So does somebody else's abort end it. Raises `OnHold` where the
    evidence did not suffice.
    """
    begun = site.clock.elapsed()
    while True:
        changed = _changed(site, state)
        if changed:
            return changed
        look = judge.look(state, _troubles(site, state), site.now())
        seen(Sample(at=site.now().timestamp(), weight=state.weights.get(state.canary, 0), look=look))
        if look.verdict is Verdict.FAIL:
            return _act(site, state, look)
        state = replace(state, judged=look.judged or state.judged)
        left = min(seconds - (site.clock.elapsed() - begun), bake - (site.now() - state.since).total_seconds())
        if left <= 0:
            return _end(site, state, look)
        site.clock.sleep(min(every, left))


def _changed(site: Site, state: State) -> Outcome | None:
    """Return how it ends where somebody else has acted; None where all is as it was, or cannot be seen now."""
    try:
        found = site.config[site.leader].get(CONFIG_MAP, site.name, site.namespace)
        now = state_json.read(found, site.leader) if found else None
    except McciError as error:
        site.log(f"{site.leader}: {error}; looking again")
        return None
    if now is None or _is_same(now, state):
        return None
    last = now.history[-1]
    line = f"{last.actor.who} did {last.action.value} meanwhile: {traffic.words(now.weights)}"
    code = ExitCode.ROLLED_BACK if now.phase is Phase.ABORTED else ExitCode.DONE
    return Outcome(code=code, lines=(line,), state=now)


def _is_same(now: State, state: State) -> bool:
    return (now.canary, now.phase, now.step, now.since) == (state.canary, state.phase, state.step, state.since)


def _troubles(site: Site, state: State) -> tuple[str, ...]:
    """Return what is wrong with the canary's pods; a cluster that does not answer now is asked again next time."""
    found, failed = each(
        {**site.config, **site.others},
        lambda _, api: api.list(POD, site.namespace, labels=f"app={site.service},version={state.canary}"),
        site.at_once,
    )
    for name, error in failed.items():
        site.log(f"{name}: its pods could not be seen ({error}); looking again")
    return tuple(
        f"{name}: {pod.name} {trouble}"
        for name, objects in found.items()
        for pod in facts.pods(objects, facts.began(state))
        for trouble in pod.troubles
    )


def _act(site: Site, state: State, look: Look) -> Outcome:
    with opened(site, wait=WAIT) as session:
        now = session.state
        if now is None or not _is_same(now, state):
            return _changed(site, state) or Outcome(lines=("the canary is gone",), state=state)
        return judged.rolled_back(session, now, look)


def _end(site: Site, state: State, look: Look) -> Outcome:
    with opened(site, wait=WAIT) as session:
        now = session.state
        if now is not None and _is_same(now, state):
            judged.keep(session, now, look)
            state = session.state or now
    if look.verdict is Verdict.INCONCLUSIVE:
        raise OnHold(f"{judged.words(look)}. The canary keeps its weight; run this job again to look again.")
    return Outcome(lines=(judged.words(look),), state=state, look=look)
