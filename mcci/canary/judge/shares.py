"""How the allowed false alarms are split over the tests.

Every test holds a share of one purse, and the purse decides: the tests' wealths, each times its share, add up to an
e-process again, so the whole rollout's false alarms stay under `alpha` however the tests depend on each other. This is
never worse than Bonferroni's split: a test alone decides at `1 / (alpha * share)`, two that agree decide earlier.
A tenth is held back, for what real traffic does that the tests' model leaves out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.config.canary import Analysis

ERRORS, LATENCY, ERROR_LIMIT, LATENCY_LIMIT = "errors", "latency", "error limit", "latency limit"
EACH_CLUSTER = 0.15  # of a comparison's share is for the clusters one by one, when there are several
_SHARES = {ERRORS: 0.79, LATENCY: 0.07, ERROR_LIMIT: 0.025, LATENCY_LIMIT: 0.015}
LEAST = 1e-6  # a false alarm's chance that is promised as 0 is taken as this


def alpha(analysis: Analysis) -> float:
    """Return the chance of a false alarm that is allowed over a whole rollout."""
    return max(analysis.false_alarm / 100, LEAST)


def in_cluster(test: str, cluster: str) -> str:
    """Return the name of a comparison within one cluster."""
    return f"{test} in {cluster}"


def split(analysis: Analysis, clusters: Sequence[str]) -> dict[str, float]:
    """Return each test's share; they sum to 0.9. A limit that is not set leaves its share to the errors."""
    shares = dict(_SHARES)
    if analysis.max_latency is None:
        shares[ERRORS] += shares.pop(LATENCY_LIMIT)
    if len(clusters) > 1:
        for test in (ERRORS, LATENCY):
            own = shares[test] * EACH_CLUSTER
            shares[test] -= own
            shares |= {in_cluster(test, cluster): own / len(clusters) for cluster in clusters}
    return shares
