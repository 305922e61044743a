"""The bets on how a canary may be worse, and what each pays on a look; the first bets on nothing.

Errors: each expert bets that the odds of failing are some times stable's. Most is on two to five times, where bad
releases are found. Latency: some bet on one bound of the histogram, that the odds of being slower than it are higher;
the others on the ranks of all durations, which sees a shift of the whole. Either way, by stochastic order (Lindon,
Sanden & Shirikian, arXiv 2205.14762), no money is made while the canary's durations are not longer than stable's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, log1p, sqrt
from typing import TYPE_CHECKING

from mcci.canary.judge.chances import Table, log_odds_bet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.canary.judge.model import Counts

RATIOS = (1.0, 1.3, 1.7, 2.3, 3.2, 5.0, 10.0, 30.0)
PRIOR = (0.06, 0.03, 0.08, 0.22, 0.35, 0.16, 0.07, 0.03)

SLOWER = (1.2, 1.6, 2.5, 5.0)  # ratios of the odds of being slower than a bound
TILTS = (0.3, 0.7, 1.5, 3.0)  # how much likelier the slowest than the fastest, as a power of e
BOUNDS, RANKS = 0.42, 0.50  # the parts of the money, shared evenly by strength; the rest bets on nothing


@dataclass(frozen=True, slots=True)
class Bounds:
    """The histogram bounds that are bet on, in milliseconds, and the part of the money on each."""

    bounds: tuple[float, ...]
    parts: tuple[float, ...]

    @classmethod
    def seen(cls, both: Counts) -> Bounds:
        """Return the bounds of a first look; most is on those that divide its requests well.

        Looking at both versions together is allowed: it tells nothing about which of them is slower.
        """
        bounds = tuple(sorted(both.slower))
        shares = [both.slower[bound] / both.timed for bound in bounds]
        weights = [sqrt(share * (1 - share)) + 0.02 for share in shares]
        return cls(bounds, tuple(weight / sum(weights) for weight in weights))

    @property
    def prior(self) -> tuple[float, ...]:
        """How the money is spread at first: nothing, then each bound's ratios, then the ranks."""
        by_bound = [BOUNDS * part / len(SLOWER) for part in self.parts for _ in SLOWER]
        return (1 - BOUNDS - RANKS, *by_bound, *(RANKS / len(TILTS) for _ in TILTS))


def latency_pays(bounds: Bounds, canary: Counts, stable: Counts, clump: Callable[[float], float]) -> list[float] | None:
    """Return the log of what each latency expert's money is multiplied by; None when there is nothing to bet on.

    `clump(bound)` is how many requests slower than a bound come together.
    """
    if not canary.timed or not stable.timed:
        return None
    pays, largest = [0.0], 1.0
    for bound in bounds.bounds:
        size = clump(bound)
        largest = max(largest, size)
        table = slow_table(bound, canary, stable)
        thin = table.thinned(size) if table else None
        pays += [log_odds_bet(thin, ratio) if thin and thin.tells else 0.0 for ratio in SLOWER]
    cells = _cells(bounds.bounds, canary, stable)
    return [*pays, *(_tilted(cells, tilt) / largest for tilt in TILTS)]


def slow_table(bound: float, canary: Counts, stable: Counts) -> Table | None:
    """Return the table of requests slower than `bound`, or None when a side's histogram has no such bound."""
    if bound not in canary.slower or bound not in stable.slower:
        return None
    return Table(canary.timed, stable.timed, canary.slower[bound], stable.slower[bound])


def _cells(bounds: tuple[float, ...], canary: Counts, stable: Counts) -> list[tuple[int, int]]:
    shared = [bound for bound in bounds if bound in canary.slower and bound in stable.slower]

    def cells(counts: Counts) -> list[int]:
        return [before - after for before, after in pairwise([counts.timed, *_falling(counts.slower, shared), 0])]

    return list(zip(cells(canary), cells(stable), strict=True))


def _falling(slower: Mapping[float, int], bounds: list[float]) -> list[int]:
    return [slower[bound] for bound in bounds]


def _tilted(cells: list[tuple[int, int]], tilt: float) -> float:
    """The log of what a bet by ranks pays: a bucket's weight is e to `tilt` times its middle rank, from 0 to 1.

    The smaller side is drawn from all of both, priced with replacement as in `log_odds_bet`.
    """
    canary, stable = sum(own for own, _ in cells), sum(other for _, other in cells)
    total, below, won, price = canary + stable, 0, 0.0, 0.0
    few, sign = (0, 1) if canary <= stable else (1, -1)
    for cell in cells:
        both = sum(cell)
        score = sign * tilt * (below + both / 2) / total
        below += both
        won += score * cell[few]
        price += both / total * exp(score)
    return won - min(canary, stable) * log(price)


def limit_pays(requests: float, marked: int, limit: float) -> list[float]:
    """Return what each expert of `RATIOS` gets, against the claim that at most `limit` of the requests are marked."""
    return [marked * log(ratio) - requests * log1p((ratio - 1) * limit) for ratio in RATIOS]
