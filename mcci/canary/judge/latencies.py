"""Percentiles from a histogram's buckets, as far as buckets tell them."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.canary.judge.model import Counts


def percentile(counts: Counts, part: float) -> float | None:
    """Return about how many milliseconds `part` of the requests stay under; None when none was timed.

    Within a bucket durations are taken to be spread evenly. A percentile above the last bound is infinite.
    """
    if not counts.timed:
        return None
    allowed = counts.timed * (1 - part)
    low, above = 0.0, counts.timed
    for bound in sorted(counts.slower):
        slower = counts.slower[bound]
        if slower <= allowed:
            return low + (bound - low) * (above - allowed) / (above - slower) if above > slower else bound
        low, above = bound, slower
    return inf
