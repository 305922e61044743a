"""What the judge's tests are made of: looks, rollouts, series, a Prometheus that answers from memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.canary.judge import Counts, Evidence, Judgement, Look, State, judge
from mcci.clients.prometheus import MetricsFailed, Series
from mcci.config.canary import Analysis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcci.errors import McciError

BOUNDS = (10.0, 50.0, 100.0, 250.0, 500.0, 1000.0)


def draw(rng: random.Random, requests: int, errors: float, *, slow: float = 0.0) -> Counts:
    """Return a version's counts: log-normal durations with a median of 55 ms, `slow` times as long; none with 0."""
    failed = sum(rng.random() < errors for _ in range(requests))
    if not slow:
        return Counts(requests=requests, errors=failed)
    durations = [rng.lognormvariate(4.0, 0.6) * slow for _ in range(requests)]
    slower = {bound: sum(duration > bound for duration in durations) for bound in BOUNDS}
    return Counts(requests=requests, errors=failed, timed=requests, slower=slower)


def look(number: int, canary: Counts, stable: Counts, *, cluster: str = "prod", pods: Iterable[Counts] = ()) -> Look:
    """Return the look of ten seconds with that number."""
    start = 10.0 * number
    return Look(cluster=cluster, start=start, end=start + 10, canary=canary, stable=stable, pods=tuple(pods))


def rollout(
    looks: Iterable[Look], *, analysis: Analysis | None = None, weight: int | None = 10, state: State | None = None
) -> list[Judgement]:
    """Judge looks one by one, until one fails."""
    found: list[Judgement] = []
    state = state or State.start(at=0.0)
    for one in looks:
        evidence = Evidence(looks=(one,), weight=weight, until={one.cluster: one.end})
        found.append(judge(state, evidence, analysis or Analysis()))
        state = found[-1].state
        if found[-1].verdict.value == "fail":
            break
    return found


def series(name: str, samples: Mapping[float, float], **labels: str) -> Series:
    """Return a series of the service's with the labels that every one has."""
    return Series(labels={"__name__": name, "reporter": "source", **labels}, samples=tuple(samples.items()))


@dataclass(kw_only=True)
class Memory:
    """A Prometheus that has `series`, gives `numbers` for queries, or fails."""

    series: list[Series] = field(default_factory=list)
    numbers: Callable[[str], float | None] = lambda _: None
    failure: McciError | None = None
    asked: list[str] = field(default_factory=list)

    def samples(self, selector: str, *, start: float, end: float) -> tuple[Series, ...]:
        self._fail()
        self.asked.append(selector)
        durations = selector.startswith("istio_request_duration")
        return tuple(
            Series(labels=one.labels, samples=tuple(pair for pair in one.samples if start < pair[0] <= end))
            for one in self.series
            if ("duration" in one.labels["__name__"]) == durations
        )

    def number(self, query: str, *, at: float) -> float | None:
        self._fail()
        self.asked.append(query)
        return self.numbers(query)

    def _fail(self) -> None:
        if self.failure:
            raise self.failure


DOWN = MetricsFailed("Prometheus at http://prometheus does not answer: connection refused.")
