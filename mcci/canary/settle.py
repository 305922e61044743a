"""What a job finds when it comes to a canary: traffic as the state says, a move that was cut off, or a foreign hand.

Pure. A move writes its intent first, so the weights of each cluster tell how far it came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from mcci.canary import traffic
from mcci.canary.state import Action, Entry, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcci.canary.state import Intent, State


class Found(Enum):
    """How the traffic stands to the state."""

    CLEAN = "as the state says"
    UNSTARTED = "a move was cut off before its first weight"
    COMPLETE = "a move was cut off after its last weight"
    PARTIAL = "a move was cut off between its weights"
    FOREIGN = "somebody else has changed weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What was found, and the clusters that show it, in words."""

    found: Found
    details: tuple[str, ...] = ()


Live = dict[str, "Mapping[str, int] | str"]  # the weights in each cluster, or why they could not be read


def look(state: State, live: Mapping[str, Mapping[str, int] | str]) -> Settlement:
    """Return what the weights in the clusters say. A cluster that was left out before may lag behind."""
    intent = state.intent
    allowed = (intent.source, intent.target) if intent else (state.weights,)
    behind = {name: found for name, found in live.items() if name in state.without}
    foreign = [
        f"{name} has {found if isinstance(found, str) else traffic.words(found)}"
        for name, found in live.items()
        if name not in behind and (isinstance(found, str) or not any(traffic.same(found, each) for each in allowed))
    ]
    if foreign:
        return Settlement(found=Found.FOREIGN, details=tuple(foreign))
    if intent is None:
        return Settlement(found=Found.CLEAN)
    moved = [
        traffic.same(found, intent.target)
        for name, found in live.items()
        if name not in behind and not isinstance(found, str)
    ]
    if all(moved):
        return Settlement(found=Found.COMPLETE)
    if not any(moved):
        return Settlement(found=Found.UNSTARTED)
    words = tuple(
        f"{name} has {found if isinstance(found, str) else traffic.words(found)}" for name, found in live.items()
    )
    return Settlement(found=Found.PARTIAL, details=words)


def finished(
    state: State,
    intent: Intent,
    now: datetime,
    *,
    skew: float | None = None,
    forced: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    evidence: Mapping[str, object] | None = None,
    verdict: str = "",
    why: str = "",
) -> State:
    """Return the state after a move that reached its target in every cluster."""
    entry = Entry(
        action=intent.action,
        at=now,
        actor=intent.actor,
        version=state.canary or state.stable,
        step=intent.step,
        weights=intent.target,
        verdict=verdict,
        why=why,
        forced=forced,
        without=without,
        skew=skew,
        evidence=dict(evidence or {}),
    )
    after = replace(
        state,
        weights=intent.target,
        since=now,
        without=without,
        intent=None,
        actor=intent.actor,
        revision=state.revision + 1,
        judged=intent.judged or state.judged,
        verdict="",
    )
    if intent.action is Action.STEP:
        after = replace(after, step=intent.step)
    elif intent.action is Action.ABORT:
        gone = not intent.target.get(state.canary, 0)
        after = replace(after, step=intent.step, phase=Phase.ABORTED if gone else state.phase)
        if not state.canary:  # a promotion is taken back: the version that was promoted lies ready
            after = replace(
                after, stable=state.previous, canary=state.stable, phase=Phase.ABORTED, previous="", keep_until=None
            )  # fmt: skip
    return after.with_entry(entry)


def dropped(state: State) -> State:
    """Return the state without the intent of a move that was never begun, or was taken back."""
    return replace(state, intent=None, revision=state.revision + 1)


def promoted(state: State, now: datetime, keep_until: datetime, entry: Entry) -> State:
    """Return the state in which the canary is the stable version, and the old one is kept ready."""
    return replace(
        state,
        stable=state.canary,
        canary="",
        phase=Phase.STABLE,
        plan=(),
        step=0,
        previous=state.stable,
        keep_until=keep_until,
        since=now,
        actor=entry.actor,
        judged={},
        verdict="",
        intent=None,
        revision=state.revision + 1,
    ).with_entry(entry)
