"""How likely an outcome is when both versions are alike, and what a bet on the canary being worse may then pay.

A table of two versions and two outcomes (marked: failed, or slow) has fixed margins: the requests of each version and
the marked ones in all. When the versions are alike, which of the requests are marked is a draw without replacement,
whatever the load and the base rate: the canary's marked ones are hypergeometric.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import lgamma, log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_DRAW = 150  # marked requests in a table up to which its chances are enumerated


@dataclass(frozen=True, slots=True)
class Table:
    """Requests of the canary and of stable, and how many of each are marked."""

    canary: int
    stable: int
    canary_marked: int
    stable_marked: int

    @property
    def requests(self) -> int:
        """The requests of both."""
        return self.canary + self.stable

    @property
    def marked(self) -> int:
        """The marked requests of both."""
        return self.canary_marked + self.stable_marked

    @property
    def tells(self) -> bool:
        """Whether the margins leave anything to chance."""
        return bool(self.canary and self.stable and 0 < self.marked < self.requests)

    def thinned(self, clump: float) -> Table:
        """Return the table as if marked requests came in clumps of that size, rounded in favour of the canary."""
        if clump <= 1:
            return self
        marked = int(self.canary_marked / clump)
        stable_marked = -int(-self.stable_marked // clump)
        canary = max(marked, round(self.canary / clump))
        return Table(canary, max(stable_marked, round(self.stable / clump)), marked, stable_marked)


def _choose(total: int, part: int) -> float:
    return lgamma(total + 1) - lgamma(part + 1) - lgamma(total - part + 1)


def outcomes(table: Table) -> tuple[range, list[float]]:
    """Return the canary's possible marked counts, and the log of each one's chance when the versions are alike."""
    low, high = max(0, table.marked - table.stable), min(table.canary, table.marked)
    first = _choose(table.canary, low) + _choose(table.stable, table.marked - low)
    chances = [first - _choose(table.requests, table.marked)]
    for count in range(low, high):
        more = (table.canary - count) * (table.marked - count)
        fewer = (count + 1) * (table.stable - table.marked + count + 1)
        chances.append(chances[-1] + log(more / fewer))
    return range(low, high + 1), chances


def log_odds_bet(table: Table, ratio: float) -> float:
    """Return the log of what a bet that the canary's odds are `ratio` times stable's pays on `table`.

    Its expectation is at most 1 when the versions are alike: the smallest margin is drawn *with* replacement in the
    bet's price, and by Hoeffding (1963, theorem 4) that makes the price no lower than for the true draw.
    """
    canary, stable, requests = table.canary, table.stable, table.requests
    unmarked = requests - table.marked
    smallest = min(table.marked, canary, stable, unmarked)
    if smallest == table.marked:
        return table.canary_marked * log(ratio) - table.marked * log1p((ratio - 1) * canary / requests)
    if smallest == canary:
        return table.canary_marked * log(ratio) - canary * log1p((ratio - 1) * table.marked / requests)
    if smallest == stable:
        return -table.stable_marked * log(ratio) - stable * log1p((1 / ratio - 1) * table.marked / requests)
    missed = canary - table.canary_marked
    return -missed * log(ratio) - unmarked * log1p((1 / ratio - 1) * canary / requests)


def raised(pays: Sequence[float], chances: Sequence[float], most: float) -> float:
    """Return the largest factor by which payments may be raised when none is paid above `most`, at a fair price.

    `pays` rises with the outcome, `chances` sum to 1, `most` is above 1, and what is returned is the b with
    sum(chance * min(b * pay, most)) = 1: at least 1 when the bet was fair. What a sequential test would win beyond
    its threshold is worth nothing to it; this spends it before (Fischer & Ramdas, arXiv 2410.16076).
    """
    expected = list(accumulate(chance * pay for chance, pay in zip(chances, pays, strict=True)))
    cut, factor = 0.0, 1.0
    for count in range(len(pays) - 1, -1, -1):
        factor = max(0.0, 1 - cut * most) / expected[count]
        if factor * pays[count] <= most:
            break
        cut += chances[count]
    return factor
