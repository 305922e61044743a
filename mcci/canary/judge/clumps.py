"""Requests do not always fail one by one: a pod that stumbles fails a clump of them in one scrape.

Routing divides requests one by one between the versions, but a pod belongs to one version, and its stumbling would
look like that version's fault. How much more the stable version's own pods differ from each other, within scrapes,
than chance allows, is the size of the clumps; counts are divided by it before anything is bet on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CERTAIN = 2.33  # standard normal, one-sided 99 %


@dataclass(frozen=True, slots=True)
class Clumps:
    """Pearson's statistic of stable's pods over all scrapes, and its degrees of freedom."""

    statistic: float = 0.0
    freedom: int = 0

    def after(self, pods: Sequence[tuple[int, int]]) -> Clumps:
        """Return it after a scrape in which each of `pods` had (requests, marked)."""
        busy = [(requests, marked) for requests, marked in pods if requests]
        requests, marked = sum(pod[0] for pod in busy), sum(pod[1] for pod in busy)
        if len(busy) < 2 or not 0 < marked < requests:
            return self
        share = marked / requests
        spread = sum((own - share * all_) ** 2 / (share * (1 - share) * all_) for all_, own in busy)
        return Clumps(self.statistic + spread * (requests - 1) / requests, self.freedom + len(busy) - 1)

    @property
    def size(self) -> float:
        """How many marked requests come together: 1 until the pods show otherwise."""
        if not self.freedom:
            return 1.0
        # Wilson and Hilferty's approximation of the chi-squared distribution's 99th percentile
        third = 2 / (9 * self.freedom)
        usual = self.freedom * (1 - third + _CERTAIN * third**0.5) ** 3
        return max(1.0, self.statistic / self.freedom) if self.statistic > usual else 1.0
