"""What the steps ask of a judge: one look at the evidence, and the numbers that led to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcci.canary.state import State


class Verdict(Enum):
    """What a look ends with. `UNJUDGED`: no cluster has a Prometheus to ask, so a person decides."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a canary. `evidence` is the judgement as JSON, `judged` what the next look starts from.

    `more_requests` and `seconds` are about what an inconclusive verdict lacks.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    text: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    judged: Mapping[str, Any] = field(default_factory=dict)
    more_requests: int | None = None
    seconds: float | None = None

    @property
    def why(self) -> str:
        """The decisive reason."""
        return self.reasons[0] if self.reasons else ""


class Judge(Protocol):
    """Looks at the canary of a service now; never raises for a Prometheus that is down."""

    def look(self, state: State, troubles: tuple[str, ...], now: datetime) -> Look:
        """Return what the evidence says of the state's canary at its weights."""

    def begin(self, state: State, now: datetime) -> Mapping[str, Any]:
        """Return the judge's state once new weights are in effect."""


class NoJudge:
    """There is no Prometheus to ask: pods that fail are seen all the same."""

    def look(self, state: State, troubles: tuple[str, ...], now: datetime) -> Look:
        if troubles:
            return Look(verdict=Verdict.FAIL, reasons=troubles, text="\n".join(troubles))
        reason = "no cluster names a 'prometheus' in mcci.yml, so nothing was judged"
        return Look(verdict=Verdict.UNJUDGED, reasons=(reason,), text=reason)

    def begin(self, state: State, now: datetime) -> Mapping[str, Any]:
        return {}


def missing(look: Look) -> str:
    """Return what an inconclusive look lacks: `need 340 more requests, about 6 min`."""
    parts = []
    if look.more_requests is not None:
        parts.append(f"need {look.more_requests} more requests")
    if look.seconds is not None:
        parts.append(f"about {_about(look.seconds)}")
    return ", ".join(parts)


def _about(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
