"""A bet, kept up scrape after scrape, that the canary is worse: its wealth is the evidence (an e-process).

Somebody who starts with 1 and bets at prices that are fair when the versions are alike holds, at *any* time and
however often it is looked, more than `1 / alpha` with a chance of at most `alpha` (Ville's inequality). How much worse
the canary may be is not known, so the money is spread over experts, each with an effect of its own; those who were
right have more of it. One expert bets on nothing, and every scrape a little is moved back to the others: so hours of
good data do not bury a fault that begins late (Herbster & Warmuth's fixed share).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

from mcci.canary.judge.chances import LARGEST_DRAW, Table, log_odds_bet, outcomes, raised

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOVED = 0.003  # the part of the wealth that is spread again over all experts, each scrape
# Of the way to a decision, the most that one scrape may go: a pod's one stumble decides nothing. Less where what is cut
# off is lost.
ONE_SCRAPE, ONE_SCRAPE_CUT = 0.7, 0.5
_HUGE = 700.0  # e to more than this is no float


@dataclass(frozen=True, slots=True)
class Wealth:
    """The log of the money, and how it is spread over the experts; the first of them bets on nothing."""

    log: float
    spread: tuple[float, ...]

    @classmethod
    def start(cls, prior: Sequence[float]) -> Wealth:
        """Return a wealth of 1, spread as `prior`, whose sum is 1."""
        return cls(0.0, tuple(prior))

    def after(self, logs: Sequence[float], prior: Sequence[float], target: float) -> Wealth:
        """Return the wealth after a scrape that multiplies each expert's money by e to its number in `logs`.

        `target` is the log of the wealth that decides. One scrape pays at most a part of it: none decides alone.
        """
        before = self._moved(prior)
        log_pay, spread = _settled(before, logs)
        return Wealth(self.log + min(log_pay, self._most(target, ONE_SCRAPE_CUT)), spread)

    def after_table(self, table: Table, ratios: Sequence[float], prior: Sequence[float], target: float) -> Wealth:
        """Return the wealth after the scrape `table`, for experts that each bet on a ratio of odds.

        While few are marked every outcome's chance is known: the prices are exact, and what would be cut off at the
        most a scrape may pay is paid to the other outcomes instead.
        """
        if not table.tells:
            return self
        if table.marked > LARGEST_DRAW:
            return self.after([log_odds_bet(table, ratio) for ratio in ratios], prior, target)
        most = self._most(target, ONE_SCRAPE)
        if most <= 0:
            return self
        counts, chances = outcomes(table)
        slopes = [log(ratio) for ratio in ratios]
        weighed = list(zip(counts, chances, strict=True))
        prices = [log_sum(chance + slope * count for count, chance in weighed) for slope in slopes]
        before = self._moved(prior)
        bets = list(zip(before, slopes, prices, strict=True))
        pays = [sum(part * exp(min(slope * count - price, _HUGE)) for part, slope, price in bets) for count in counts]
        factor = raised(pays, [exp(chance) for chance in chances], exp(most))
        logs = [slope * table.canary_marked - price for slope, price in zip(slopes, prices, strict=True)]
        log_pay, spread = _settled(before, logs)
        return Wealth(self.log + min(log(factor) + log_pay, most), spread)

    def _moved(self, prior: Sequence[float]) -> list[float]:
        return [(1 - MOVED) * held + MOVED * own for held, own in zip(self.spread, prior, strict=True)]

    def _most(self, target: float, part: float) -> float:
        return min(target * part, target - self.log)


def _settled(before: Sequence[float], logs: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    money = [log(held) + pay for held, pay in zip(before, logs, strict=True)]
    total = log_sum(money)
    return total, tuple(exp(own - total) for own in money)


def log_sum(logs: Iterable[float]) -> float:
    """Return the log of the sum of e to each of `logs`."""
    values = list(logs)
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))
