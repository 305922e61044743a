"""From scraped counters to what was counted between two moments."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mcci.canary.judge.counters import scrape_interval, spans
from mcci.clients.prometheus import Series


def counter(values: dict[float, float], **labels: str) -> Series:
    """Return a counter's series, by default of the pod `p`."""
    return Series(labels={"pod": "p", **labels}, samples=tuple(values.items()))


def steady(until: int, **labels: str) -> Series:
    """A counter that is scraped every 10 s and grows by 5 each time."""
    return counter({time: time / 2 for time in range(0, until + 1, 10)}, **labels)


def counted(
    series: list[Series], *, since: float = 0, now: float = 100
) -> list[tuple[float, float, tuple[float, ...]]]:
    return [(span.start, span.end, span.counted) for span in spans(series, since=since, now=now)]


def test_what_was_counted_between_scrapes() -> None:
    """Each span holds the difference of its ends, without extrapolation."""
    assert counted([steady(30)], now=35) == [(0, 10, (5,)), (10, 20, (5,)), (20, 30, (5,))]


def test_the_interval_is_the_usual_gap() -> None:
    """A missed scrape does not change what the interval is taken for, and no span is shorter than it."""
    series = counter({0: 0, 30: 1, 60: 2, 120: 3, 150: 4})
    assert scrape_interval([series]) == 30
    assert [span.end - span.start for span in spans([series], since=0, now=60)] == [30, 30]


def test_a_reset_counts_from_zero() -> None:
    """A counter that fell was reset: what it has now was counted since."""
    assert counted([counter({0: 100, 10: 110, 20: 4, 30: 9})], now=30) == [
        (0, 10, (10,)),
        (10, 20, (4,)),
        (20, 30, (5,)),
    ]


def test_an_error_series_that_appears_counts_from_its_first_error() -> None:
    """A series that appears beside others of its pod was at 0 before, so its first value is counted."""
    appearing = counter({20: 3, 30: 4}, code="500")
    assert counted([steady(30), appearing], now=30) == [(0, 10, (5, 0)), (10, 20, (5, 3)), (20, 30, (5, 1))]


def test_a_pod_that_appears_is_a_beginning_only() -> None:
    """What a pod counted before it was first seen may be of hours ago, so counting begins there."""
    found = counted([steady(30), counter({20: 5000, 30: 5002}, pod="new")], now=30)
    assert found == [(0, 10, (5, 0)), (10, 20, (5, 0)), (20, 30, (5, 2))]


def test_a_gap_makes_one_long_span() -> None:
    """While any known counter has no fresh sample nothing is closed, so that all are counted over the same time."""
    late = counter({0: 0, 10: 5, 40: 20, 50: 25}, pod="q")
    assert counted([steady(50), late], now=50) == [(0, 10, (5, 5)), (10, 40, (15, 15)), (40, 50, (5, 5))]


def test_a_pod_that_ended_does_not_stop_the_others() -> None:
    """After five scrapes without a sample a counter has ended: what it counted is kept, and spans close again."""
    gone = counter({0: 0, 10: 5}, pod="q")
    found = counted([steady(100), gone], now=100)
    assert sum(span[2][1] for span in found) == 5
    assert found[-1] == (90, 100, (5, 0))


def test_nothing_is_closed_before_it_is_known() -> None:
    """The last span ends where all counters are fresh: what is not scraped yet is left to the next judgement."""
    assert counted([steady(50), counter({0: 0, 10: 1, 20: 2, 30: 3}, pod="q")], now=50)[-1][1] == 30


def test_a_stale_prometheus_has_no_spans() -> None:
    """Samples that end before the time in question count nothing, rather than zero requests."""
    assert counted([steady(30)], since=100, now=200) == []


def test_a_beginning_without_samples_is_no_span() -> None:
    """Where nothing is known of the start, counting begins at the first scrape, not with a long span of nothing."""
    late = counter({time: time for time in range(50, 101, 10)})
    assert [span[:2] for span in counted([late])] == [(50, 60), (60, 70), (70, 80), (80, 90), (90, 100)]


def test_no_series_have_no_spans() -> None:
    """Without series nothing is said."""
    assert spans([], since=0, now=100) == []


@settings(deadline=None)  # a busy machine is no finding
@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.booleans()), min_size=1, max_size=40), st.integers(1, 39)
)
def test_nothing_is_lost_or_counted_twice(scrapes: list[tuple[int, bool, bool]], stop: int) -> None:
    """Whatever is reset and missed, and wherever one judgement stops, all that can be known is counted once."""
    value, samples = 0.0, {0.0: 0.0}
    for number, (new, reset, missed) in enumerate(scrapes, start=1):
        value = new if reset and not missed else value + new
        if not missed:
            samples[10.0 * number] = value
    series, now = [counter(samples), steady(10 * len(scrapes), pod="q")], 10.0 * len(scrapes) + 5
    first = spans(series, since=0, now=min(now, 10.0 * stop))
    every = [*first, *spans(series, since=first[-1].end if first else 0.0, now=now)]
    seen = max((span.end for span in every), default=0.0)
    steps = pairwise(samples.items())
    known = sum(after - before if after >= before else after for (_, before), (at, after) in steps if at <= seen)
    assert sum(span.counted[0] for span in every) == known
