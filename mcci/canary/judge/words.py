"""The judge's reasons, in sentences."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING

from mcci.canary.judge.latencies import percentile
from mcci.canary.judge.shares import ERROR_LIMIT, ERRORS, LATENCY, LATENCY_LIMIT

if TYPE_CHECKING:
    from mcci.canary.judge.model import Counts, Score
    from mcci.canary.judge.state import State
    from mcci.config.canary import Analysis


def rate(counts: Counts) -> str:
    """Return the share of failed requests: `3.1 %`."""
    return f"{100 * counts.errors / counts.requests:.3g} %" if counts.requests else "none"


def compared(canary: Counts, stable: Counts) -> str:
    """Return both versions' errors in a sentence."""
    return (
        f"{rate(canary)} of the canary's {canary.requests:,} requests failed, "
        f"and {rate(stable)} of stable's {stable.requests:,}"
    )


def latencies(canary: Counts, stable: Counts) -> str:
    """Return both versions' 95th percentiles in words; empty when one has none."""
    own, other = percentile(canary, 0.95), percentile(stable, 0.95)
    if own is None or other is None:
        return ""
    return f"the 95th percentile is {milliseconds(own)} on the canary and {milliseconds(other)} on stable"


def milliseconds(value: float) -> str:
    """Return a percentile in words: `about 235 ms`."""
    if value == inf:
        return "above every bound of the histogram"
    return f"about {value:.3g} ms" if value < 1000 else f"about {value:,.0f} ms"


def limits(analysis: Analysis) -> str:
    """Return the limits that were kept."""
    latency = "" if analysis.max_latency is None else f" and a 95th percentile of {analysis.max_latency}"
    return f"both within the limits: {analysis.max_error_rate:g} % of errors{latency}"


def worse(state: State, score: Score, analysis: Analysis) -> str:
    """Return why a canary fails: what was seen, and how likely that is otherwise."""
    return f"{_seen(state, score, analysis)}: {_likelier(score)} (decides at {score.decides_at:,.0f})"


def suspicious(state: State, score: Score, analysis: Analysis) -> str:
    """Return why a canary is held although it has had its requests."""
    return f"it looks worse, and that is not proved: {worse(state, score, analysis)}"


def _seen(state: State, score: Score, analysis: Analysis) -> str:
    canary, stable = state.total.canary, state.total.stable
    if score.test == ERROR_LIMIT:
        return (
            f"{rate(canary)} of the canary's {canary.requests:,} requests failed, limit {analysis.max_error_rate:g} %"
        )
    if score.test == LATENCY_LIMIT:
        slowest = percentile(canary, 0.95)
        shown = "unknown" if slowest is None else milliseconds(slowest)
        return f"the canary's 95th percentile is {shown}, limit {analysis.max_latency}"
    base, _, cluster = score.test.partition(" in ")
    if cluster in state.step:
        canary, stable = state.step[cluster].canary, state.step[cluster].stable
    where = f"in {cluster} " if cluster else ""
    shown = compared(canary, stable) if base == ERRORS else latencies(canary, stable) or LATENCY
    return where + shown


def _likelier(score: Score) -> str:
    if score.test in (ERROR_LIMIT, LATENCY_LIMIT):
        return f"{_times(score.evidence)} times likelier above the limit than within it"
    return f"{_times(score.evidence)} times likelier of a worse canary than of an equal one"


def _times(value: float) -> str:
    return f"{value:,.0f}" if value < 1e6 else f"{value:.0e}"


def since(state: State) -> str:
    """Return since when this step is watched."""
    seconds = max((seen.seconds for seen in state.step.values()), default=0.0)
    return f"in {_duration(seconds)}" if seconds else "yet"


def need(requests: int | None, seconds: float | None) -> str:
    """Return what is missing: `need 340 more requests, about 6 min`; empty when that is not known."""
    if requests is None:
        return ""
    count = f"need {requests:,} more request{'' if requests == 1 else 's'}"
    return count if seconds is None else f"{count}, about {_duration(seconds)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{ceil(seconds)} s"
    return f"{ceil(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
