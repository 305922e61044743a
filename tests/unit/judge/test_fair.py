"""The prices of the bets: nobody wins on average while the versions are alike, whatever the load and the base rate."""

from __future__ import annotations

from itertools import pairwise, product
from math import comb, exp, isclose, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcci.canary.judge.chances import LARGEST_DRAW, Table, log_odds_bet, outcomes, raised
from mcci.canary.judge.experts import PRIOR, RATIOS, SLOWER, TILTS, Bounds, latency_pays, limit_pays
from mcci.canary.judge.model import Counts
from mcci.canary.judge.wealth import Wealth

SMALL = st.integers(0, 30)
TARGET = log(120)


@st.composite
def margins(draw: st.DrawFn) -> tuple[int, int, int]:
    """Requests of the canary, of stable, and how many of both are marked."""
    canary, stable = draw(SMALL), draw(SMALL)
    return canary, stable, draw(st.integers(0, canary + stable))


@st.composite
def wealths(draw: st.DrawFn) -> Wealth:
    """A wealth that is not decided yet, spread in any way."""
    parts = draw(st.lists(st.floats(0.001, 1), min_size=len(PRIOR), max_size=len(PRIOR)))
    return Wealth(draw(st.floats(-20, TARGET - 0.01)), tuple(part / sum(parts) for part in parts))


def chance(canary: int, stable: int, marked: int, own: int) -> float:
    """The hypergeometric chance, from whole numbers."""
    return comb(canary, own) * comb(stable, marked - own) / comb(canary + stable, marked)


def tables(canary: int, stable: int, marked: int) -> list[Table]:
    """Every table with these margins."""
    low, high = max(0, marked - stable), min(canary, marked)
    return [Table(canary, stable, own, marked - own) for own in range(low, high + 1)]


@settings(deadline=None)  # a busy machine is no finding
@given(margins())
def test_chances_are_the_hypergeometric_ones(given: tuple[int, int, int]) -> None:
    """The chances of all outcomes are those that counting the draws gives."""
    counts, logs = outcomes(tables(*given)[0])
    assert [round(exp(each), 9) for each in logs] == [round(chance(*given, own), 9) for own in counts]


@settings(deadline=None)  # a busy machine is no finding
@given(margins(), wealths())
def test_errors_are_bet_on_at_an_exactly_fair_price(given: tuple[int, int, int], held: Wealth) -> None:
    """Over all outcomes of a scrape of like versions the wealth stays the same on average: it is a martingale."""
    paid = 0.0
    for each in tables(*given):
        after = held.after_table(each, RATIOS, PRIOR, TARGET)
        paid += chance(*given, each.canary_marked) * exp(after.log - held.log)
    assert paid == pytest.approx(1, abs=1e-6)


@settings(deadline=None)  # a busy machine is no finding
@given(margins(), wealths())
def test_a_better_canary_never_pays(given: tuple[int, int, int], held: Wealth) -> None:
    """The more of the marked requests are the canary's, the more is paid, so the price also holds for better ones."""
    logs = [held.after_table(each, RATIOS, PRIOR, TARGET).log for each in tables(*given)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(logs))


@settings(deadline=None)  # a busy machine is no finding
@given(margins(), st.sampled_from([*RATIOS, *SLOWER]))
def test_a_bet_on_odds_is_never_too_cheap(given: tuple[int, int, int], ratio: float) -> None:
    """The price with replacement is at least the true one, whichever margin is drawn."""
    telling = [each for each in tables(*given) if each.tells]
    paid = sum(chance(*given, each.canary_marked) * exp(log_odds_bet(each, ratio)) for each in telling)
    assert paid <= 1 + 1e-9


@settings(deadline=None)  # a busy machine is no finding
@given(st.tuples(*[st.integers(0, 4)] * 3), st.integers(0, 12))
def test_latencies_are_never_too_cheap_to_bet_on(buckets: tuple[int, ...], canary: int) -> None:
    """Over all ways in which the durations can fall to the versions, no expert on latency wins on average."""
    total = sum(buckets)
    canary = min(canary, total)
    bounds = Bounds((100.0, 200.0), (0.5, 0.5))
    ways, paid = comb(total, canary), [0.0] * (1 + 2 * len(SLOWER) + len(TILTS))
    for own in product(*(range(size + 1) for size in buckets)):
        if sum(own) == canary:
            other = [size - mine for size, mine in zip(buckets, own, strict=True)]
            pays = latency_pays(bounds, histogram(*own), histogram(*other), lambda _: 1.0) or [0.0] * len(paid)
            part = comb(buckets[0], own[0]) * comb(buckets[1], own[1]) * comb(buckets[2], own[2]) / ways
            paid = [sum_ + part * exp(pay) for sum_, pay in zip(paid, pays, strict=True)]
    assert max(paid) <= 1 + 1e-9


def histogram(fast: int, middle: int, slow: int) -> Counts:
    """Durations in three buckets, divided by 100 and 200 ms."""
    timed = fast + middle + slow
    return Counts(requests=timed, timed=timed, slower={100.0: middle + slow, 200.0: slow})


@settings(deadline=None)  # a busy machine is no finding
@given(st.integers(1, 40), st.floats(0.001, 0.999), st.floats(0, 1))
def test_a_limit_that_is_kept_is_never_too_cheap_to_bet_against(requests: int, limit: float, part: float) -> None:
    """While the true rate is at most the limit no expert against it wins on average."""
    rate = limit * part
    chances = [comb(requests, own) * rate**own * (1 - rate) ** (requests - own) for own in range(requests + 1)]
    for expert in range(len(RATIOS)):
        pays = (exp(limit_pays(requests, own, limit)[expert]) for own in range(requests + 1))
        assert sum(chance * pay for chance, pay in zip(chances, pays, strict=True)) <= 1 + 1e-9


@settings(deadline=None)  # a busy machine is no finding
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.001, 50)), min_size=1, max_size=20), st.floats(1.01, 100))
def test_payments_are_raised_until_the_price_is_fair_again(rows: list[tuple[float, float]], most: float) -> None:
    """What is cut off above the most is paid to the other outcomes, so that all is paid out: no more and no less."""
    total = sum(weight for weight, _ in rows)
    chances, pays = [weight / total for weight, _ in rows], sorted(pay for _, pay in rows)
    factor = raised(pays, chances, most)
    assert sum(chance * min(factor * pay, most) for chance, pay in zip(chances, pays, strict=True)) == pytest.approx(1)


def test_an_outcome_without_a_chance_breaks_nothing() -> None:
    """Where a table is as unlikely as can be, evidence is as large as one scrape may give, and no number overflows."""
    table = Table(300, 30_000_000, LARGEST_DRAW, 0)
    after = Wealth.start(PRIOR).after_table(table, RATIOS, PRIOR, TARGET)
    assert isclose(after.log, 0.7 * TARGET)


def test_no_scrape_decides_alone() -> None:
    """Even when all of a canary's requests fail and none of stable's, one scrape is not enough, and two are."""
    table = Table(1000, 9000, 200, 0)
    first = Wealth.start(PRIOR).after_table(table, RATIOS, PRIOR, TARGET)
    assert first.log < TARGET <= first.after_table(table, RATIOS, PRIOR, TARGET).log + 1e-9


def test_good_hours_do_not_bury_a_late_fault() -> None:
    """After a thousand scrapes of like versions the evidence against the canary is small, but not lost."""
    held = Wealth.start(PRIOR)
    for _ in range(1000):
        held = held.after_table(Table(100, 900, 1, 9), RATIOS, PRIOR, TARGET)
    assert -8 < held.log < 0
