"""From counters as they were scraped to what was counted between two moments.

`increase()` is not used: it extrapolates, so that four requests become 4.3, and errors that began with their series
are lost. Here a counter that fell was reset and counts from 0; one that appears beside others of the same pod was at 0
before; one that appears with its pod is a beginning only. A span ends where every counter has a fresh sample, so both
versions are always counted over the same time; over a gap the span grows.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import isnan
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcci.clients.prometheus import Series

SHORTEST = 10.0  # seconds of a span, unless scrapes are further apart
LEAD = 150.0  # seconds before a span from which samples are wanted, to know where its counters stood
_ENDED = 5.0  # scrapes after which a counter without samples is one that ended
_FEWEST = 1.0  # seconds between scrapes, at least


@dataclass(frozen=True, slots=True)
class Span:
    """What was counted from `start` to `end`, one number for each series, in their order."""

    start: float
    end: float
    counted: tuple[float, ...]


def scrape_interval(series: Sequence[Series]) -> float:
    """Return the usual seconds between two samples; 15 when no series has two."""
    gaps = [
        later[0] - earlier[0]
        for one in series[:500]
        for earlier, later in zip(one.samples, one.samples[1:], strict=False)
    ]
    return max(_FEWEST, median(gaps)) if gaps else 15.0


def spans(series: Sequence[Series], *, since: float, now: float) -> list[Span]:
    """Return what was counted since then, span by span; the last one ends where all counters are known."""
    interval = scrape_interval(series)
    length = max(SHORTEST, interval)
    counters = [_Counter(one, interval) for one in series]
    for counter in counters:
        counter.begin(since)
    found, start, end = [], since, since + length
    while end <= now:
        if not any(counter.known for counter in counters):  # nobody knows what was before: counting begins here
            for counter in counters:
                counter.begin(end)
            start = end
        elif _closes(counters, end, now):
            pods = {counter.pod for counter in counters if counter.fresh(start)}
            found.append(Span(start, end, tuple(counter.count(end, pods) for counter in counters)))
            start = end
        end += length
    return found


def _closes(counters: Sequence[_Counter], end: float, now: float) -> bool:
    known = [counter for counter in counters if counter.known]
    return all(counter.fresh(end) or counter.ended(end, now) for counter in known) and any(
        counter.fresh(end) for counter in counters
    )


class _Counter:
    """One series, walked through once; `at` is the index of the last sample that was counted."""

    __slots__ = ("at", "interval", "known", "pod", "times", "values")

    def __init__(self, series: Series, interval: float) -> None:
        samples = [(time, value) for time, value in series.samples if not isnan(value)]
        self.times = [time for time, _ in samples]
        self.values = [value for _, value in samples]
        self.interval = interval
        labels = series.labels
        self.pod = (labels.get("reporter", ""), labels.get("instance", ""), labels.get("pod", ""))
        self.at = -1
        self.known = False

    def begin(self, since: float) -> None:
        self.at = self._last(since)
        self.known = self.fresh(since)

    def fresh(self, end: float) -> bool:
        last = self._last(end)
        return last >= 0 and end - self.times[last] < self.interval

    def ended(self, end: float, now: float) -> bool:
        return self.times[-1] <= end and now - self.times[-1] > _ENDED * self.interval

    def count(self, end: float, pods: set[tuple[str, str, str]]) -> float:
        """Count up to `end`; `pods` are those that had samples when the span began."""
        last = self._last(end)
        if last <= self.at:
            return 0.0
        counted = self.values[0] if self.at < 0 and self.pod in pods else 0.0
        counted += sum(self._steps(max(self.at, 0), last))
        self.at, self.known = last, self.fresh(end)
        return counted

    def _steps(self, first: int, last: int) -> Iterator[float]:
        for index in range(first, last):
            before, after = self.values[index], self.values[index + 1]
            yield after - before if after >= before else after

    def _last(self, end: float) -> int:
        return bisect_right(self.times, end) - 1
