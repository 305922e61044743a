"""What follows from a verdict: go on, hold with what is missing, or give all traffic back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcci.canary import traffic
from mcci.canary.actions.abort import give_back
from mcci.canary.clusters.move import Note
from mcci.canary.guards import OnHold
from mcci.canary.outcome import Outcome
from mcci.canary.verdict import Verdict, missing
from mcci.errors import ExitCode

if TYPE_CHECKING:
    from mcci.canary.clusters.session import Session
    from mcci.canary.state import State
    from mcci.canary.verdict import Judge, Look


def look_at(session: Session, state: State, judge: Judge) -> Look:
    """Return what the judge says of the canary now."""
    return judge.look(state, session.survey.troubles(state.canary), session.site.now())


def rolled_back(session: Session, state: State, look: Look, *, dry_run: bool = False) -> Outcome:
    """Give all traffic back because of a verdict, and return the outcome: code 4."""
    lines = [*session.told, *(f"verdict: fail: {reason}" for reason in look.reasons)]
    if dry_run:
        lines.append(f"would give all traffic of {state.service} back to {state.stable}")
        return Outcome(code=ExitCode.ROLLED_BACK, lines=tuple(lines), state=state, look=look)
    note = Note(verdict=look.verdict.value, why=look.why, evidence=look.evidence)
    moved = give_back(session, replace(state, judged=look.judged), note)
    lines.append(f"rolled back: {state.service} has {traffic.words(moved.state.weights)}")
    return Outcome(
        code=ExitCode.ROLLED_BACK, lines=tuple(lines), state=moved.state, look=look, skew=moved.skew, changed=True
    )  # fmt: skip


def hold_or_force(session: Session, state: State, look: Look, *, force: bool, dry_run: bool) -> tuple[str, ...]:
    """Return what is taken by force: nothing after a pass. Raises `OnHold` for a look that does not suffice.

    What the judge has learnt is kept, so that the next look goes on from there.
    """
    if look.verdict in (Verdict.PASS, Verdict.UNJUDGED):
        return ()
    text = words(look)
    if force:
        return (text,)
    if not dry_run:
        keep(session, state, look)
    raise OnHold(f"{text}. Nothing was changed. Run this again later; --force goes on, and is recorded.")


def words(look: Look) -> str:
    """Return a look as one line: `verdict: inconclusive: … (need 340 more requests, about 6 min)`."""
    lack = missing(look)
    return f"verdict: {look.verdict.value}: {'; '.join(look.reasons)}{f' ({lack})' if lack else ''}"


def keep(session: Session, state: State, look: Look) -> None:
    """Write what the judge has learnt, where it has learnt anything."""
    if look.judged:
        session.write(
            replace(state, judged=look.judged, verdict=look.verdict.value, revision=state.revision + 1)
        )  # fmt: skip
