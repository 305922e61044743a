"""What there is to say about a canary: plan, step, weights in every cluster, evidence, who and when. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.canary import guards, plan, settle, state_json, traffic
from mcci.canary.clusters.session import live
from mcci.canary.settle import Found
from mcci.canary.state import Phase
from mcci.canary.verdict import missing
from mcci.config.keys import Duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.canary.clusters.site import Site
    from mcci.canary.facts import Survey, View
    from mcci.canary.state import State
    from mcci.canary.verdict import Look
    from mcci.config.canary import Canary


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A service's canary as it is now. `problems` are sentences about what is not as it should be."""

    service: str
    environment: str
    state: State | None
    weights: Mapping[str, Mapping[str, int] | str]
    ready: Mapping[str, Mapping[str, int]]
    next_step: int | None
    bake_left: float
    problems: tuple[str, ...]
    moving: str = ""
    testers: str = ""
    look: Look | None = None


def status(site: Site, survey: Survey, settings: Canary, look: Look | None = None) -> Status:
    """Return what the clusters say; `look` is what the judge says now."""
    state = survey.state
    weights = {**live(site, survey), **{view.name: view.problem for view in survey.views if view.problem}}
    weights = {name: found for name, found in weights.items() if name in site.config}
    baking = state is not None and state.phase is Phase.CANARY and state.step > 0
    left = settings.bake - (survey.now - state.since).total_seconds() if state and baking else 0.0
    holder = next((lock for view in survey.views for lock in view.locks if lock.name == site.name and lock.alive), None)
    return Status(
        service=site.service,
        environment=site.environment,
        state=state,
        weights=weights,
        ready={view.name: _ready(view) for view in survey.views},
        next_step=plan.next_step(state) if state else None,
        bake_left=max(0.0, left),
        problems=tuple(_problems(site, survey, state, settings, busy=holder is not None)),
        moving=f"{holder.holder}{f' ({holder.job_url})' if holder.job_url else ''}" if holder else "",
        testers=_testers(site, survey),
        look=look,
    )


def _testers(site: Site, survey: Survey) -> str:
    """Return which requests go where whatever the weights: `x-canary: always → v2…`."""
    for view in survey.config.values():
        found = traffic.testers(view.virtual_service, site.service) if view.virtual_service else None
        if found:
            return f"{found.header}: {found.value} → {found.subset}"
    return ""


def _ready(view: View) -> dict[str, int]:
    return dict(sorted(Counter(pod.version for pod in view.pods if pod.ready).items()))


def _problems(site: Site, survey: Survey, state: State | None, settings: Canary, *, busy: bool) -> list[str]:
    found = [f"{view.name}: {view.problem}" for view in survey.views if view.problem]
    found += [hold.text for hold in guards.deploying(survey)]
    if state is None:
        return found
    seen = {name: each for name, each in live(site, survey).items() if not survey.config[name].problem}
    settlement = settle.look(state, seen)
    details = "; ".join(settlement.details)
    if settlement.found is Found.FOREIGN:
        found.append(f"{settlement.found.value}: {details}; mcci wrote {traffic.words(state.weights)}")
    elif settlement.found is not Found.CLEAN and not busy:
        found.append(f"{settlement.found.value}{f': {details}' if details else ''}; the next command settles it")
    found += [f"{name} was left out of the last move" for name in state.without]
    if state.phase is Phase.CANARY and state.plan != settings.steps:
        found.append(f"mcci.yml's plan is now {list(settings.steps)}; this canary began with {list(state.plan)}")
    return [*found, *survey.troubles(state.canary or state.stable)]


def body(found: Status) -> dict[str, Any]:
    """Return the status as JSON has it (`mcci.canary-status/1`)."""
    state = found.state
    return {
        "service": found.service,
        "environment": found.environment,
        "phase": state.phase.value if state else "",
        "next_step": found.next_step,
        "bake_seconds_left": round(found.bake_left),
        "clusters": {
            name: {
                "weights": None if isinstance(each, str) else dict(each),
                "problem": each if isinstance(each, str) else "",
            }
            for name, each in found.weights.items()
        },
        "ready": {name: dict(each) for name, each in found.ready.items()},
        "problems": list(found.problems),
        "moving": found.moving,
        "testers": found.testers,
        "verdict": found.look.verdict.value if found.look else "",
        "judgement": dict(found.look.evidence) if found.look else {},
        "state": state_json.body(state) if state else None,
    }


def lines(found: Status) -> list[str]:
    """Return the status as text."""
    state = found.state
    if state is None:
        return [f"{found.service} was never deployed to {found.environment}.", *found.problems]
    result = [f"{found.service} in {found.environment}: {headline(found)}"]
    if state.canary and state.plan:
        result.append(f"  plan      {_plan(state)}")
    for name, each in found.weights.items():
        result.append(f"  weights   {name}: {each if isinstance(each, str) else traffic.words(each)}")
    for name, ready in found.ready.items():
        pods = ", ".join(f"{count} of {version}" for version, count in ready.items())
        result.append(f"  ready     {name}: {pods or 'none'}")
    if found.testers:
        result.append(f"  testers   {found.testers}")
    by = f"{state.actor.who}{f', pipeline {state.actor.pipeline}' if state.actor.pipeline else ''}"
    result.append(f"  since     {state.since:%Y-%m-%d %H:%M:%S} UTC, by {by}")
    if found.bake_left:
        result.append(f"  bakes     {Duration(round(found.bake_left))} more")
    if found.moving:
        result.append(f"  moving    {found.moving}")
    result += [f"  evidence  {line}" for line in evidence(found)]
    last = next((entry for entry in reversed(state.history) if entry.verdict), None)
    if not found.look and (state.verdict or last):
        said = state.verdict or (last.verdict if last else "")
        why = f": {last.why}" if last and last.why and not state.verdict else ""
        result.append(f"  verdict   {said}{why}")
    if state.keep_until and state.previous:
        result.append(f"  previous  {state.previous}, ready until {state.keep_until:%Y-%m-%d %H:%M:%S} UTC")
    result += [f"  problem   {problem}" for problem in found.problems]
    result.append("  history")
    return result + [f"    {line}" for line in history(state)]


def evidence(found: Status) -> list[str]:
    """Return what the judge says now, and the numbers of both versions; nothing without a judge."""
    if found.look is None:
        return []
    lack = missing(found.look)
    said = [f"{found.look.verdict.value}: {found.look.why}{f' ({lack})' if lack else ''}"]
    for track in ("canary", "stable"):
        counts = found.look.evidence.get(track) or {}
        if requests := counts.get("requests"):
            slow = counts.get("p95_ms")
            said.append(
                f"{track}: {requests} requests, {100 * counts.get('errors', 0) / requests:.2f} % failed"
                f"{'' if slow is None else f', p95 {slow:g} ms'}"
            )
    return said


def headline(found: Status) -> str:
    """Return where it stands, in a few words."""
    state = found.state
    assert state
    if state.phase is Phase.STABLE:
        return f"{state.stable} has all the traffic, no canary"
    if state.phase is Phase.ABORTED:
        return f"the canary {state.canary} was aborted; {state.stable} has all the traffic"
    ready = ", to be promoted next" if state.step == 100 else ""
    following = f", next {found.next_step}" if found.next_step else ready
    return f"canary {state.canary} at {state.weights.get(state.canary, 0)} % beside {state.stable}{following}"


def history(state: State, last: int = 8) -> list[str]:
    """Return the last lines of the history, the newest first."""
    return [
        f"{entry.at:%m-%d %H:%M:%S}  {entry.action.value:<8}{entry.step or '':<4} {traffic.words(entry.weights)}  "
        f"{entry.actor.who}{f' #{entry.actor.pipeline}' if entry.actor.pipeline else ''}"
        f"{f'  {entry.verdict}' if entry.verdict else ''}{f'  ({entry.why})' if entry.why else ''}"
        f"{'  forced' if entry.forced else ''}"
        f"{f'  without {chr(44).join(entry.without)}' if entry.without else ''}"
        f"{f'  skew {entry.skew:.2f} s' if entry.skew else ''}".rstrip()
        for entry in reversed(state.history[-last:])
    ]


def _plan(state: State) -> str:
    return " → ".join(f"[{weight}]" if weight == state.step else str(weight) for weight in state.plan)
