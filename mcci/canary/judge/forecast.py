"""About how many more canary requests, and how much time, until the judge can tell."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import TYPE_CHECKING

from mcci.canary.judge.shares import ERROR_LIMIT, ERRORS
from mcci.canary.judge.weigh import target

if TYPE_CHECKING:
    from mcci.canary.judge.state import State
    from mcci.config.canary import Analysis


@dataclass(frozen=True, slots=True)
class Need:
    """Canary requests that are missing, and the seconds they take at the present rate; None when it is not known."""

    requests: int | None = None
    seconds: float | None = None


def too_few(state: State, seen: int, wanted: int) -> Need:
    """Return what is missing to the requests that a canary must have had."""
    return _need(state, wanted - seen)


def over_limit(state: State, marked: int, requests: int, limit: float, test: str) -> Need:
    """Return what is missing to prove that a limit is broken, if things go on as they are."""
    if test not in state.shares or not 0 < limit < marked / requests:
        return Need()
    held = state.wealths.get(test)
    missing = target(state, test) - (held.log if held else 0.0)
    return _need(state, missing / _divergence(marked / requests, limit))


def leaning(state: State, purse: float, test: str, analysis: Analysis) -> Need:
    """Return what is missing until a suspicion is proved, if things go on as they are."""
    canary, stable = state.total.canary, state.total.stable
    missing = -log(state.alpha) - log(purse)
    if test == ERROR_LIMIT:
        return over_limit(state, canary.errors, canary.requests, analysis.max_error_rate / 100, test)
    errors, requests = canary.errors + stable.errors, canary.requests + stable.requests
    if test.startswith(ERRORS) and errors and stable.requests:
        # what one error's falling on the canary or not tells, times the errors that come with one canary request
        gain = _divergence(canary.errors / errors, canary.requests / requests) * errors / canary.requests
        return _need(state, missing / gain) if gain > 1e-9 else Need()
    held = state.wealths.get(test)  # of latencies only this is known: how fast the evidence has grown so far
    return _need(state, missing * canary.requests / held.log) if held and held.log > 0 else Need()


def _divergence(share: float, expected: float) -> float:
    gain = share * log(share / expected) if share else 0.0
    return gain + ((1 - share) * log((1 - share) / (1 - expected)) if share < 1 else 0.0)


def _need(state: State, requests: float) -> Need:
    missing = max(1, ceil(requests))
    rate = sum(seen.canary.requests / seen.seconds for seen in state.step.values() if seen.seconds)
    return Need(missing, missing / rate if rate else None)
