"""What the judge is told and what it answers. Times are Unix seconds; durations of requests are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.canary.judge.state import State
    from mcci.clients.prometheus import Series


class Verdict(Enum):
    """What a canary is found to be."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests that one version answered in some time, how many of them failed, and how many were slow.

    `timed` is how many have a known duration, and `slower[bound]` how many of those took longer than `bound`
    milliseconds, for every finite bound of the histogram.
    """

    requests: int = 0
    errors: int = 0
    timed: int = 0
    slower: Mapping[float, int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            timed=self.timed + other.timed,
            slower={bound: self.slower.get(bound, 0) + other.slower.get(bound, 0) for bound in _bounds(self, other)},
        )


def _bounds(left: Counts, right: Counts) -> list[float]:
    # A bound that one side lacks (another version of the mesh has other buckets) cannot be compared.
    if not left.timed or not right.timed:
        return sorted(left.slower or right.slower)
    return sorted(left.slower.keys() & right.slower.keys())


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What both versions did in one cluster between two scrapes; `pods` are the stable version's, one by one."""

    cluster: str
    start: float
    end: float
    canary: Counts
    stable: Counts
    pods: tuple[Counts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known since the last judgement.

    `answers` holds the configured queries' numbers, NaN where there was none. `problems` are sentences that forbid a
    pass (a Prometheus that is down); `troubles` are sentences that decide it (a pod that restarted). `weight` is the
    canary's in percent, None when unknown. `until` is up to when each cluster was looked at. `history` is from before
    the canary: it shows how stable's own pods differ, and is used by the first judgement only.
    """

    looks: tuple[Look, ...] = ()
    history: tuple[Look, ...] = ()
    answers: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    weight: int | None = None
    until: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One test's say: `evidence` is how many times likelier the data is made by a worse canary than by an equal one.

    `share` is the test's part of the allowed false alarms; it decides alone at `1 / (alpha * share)`.
    """

    test: str
    evidence: float
    share: float
    decides_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with the numbers that led to it; `state` is what the next judgement starts from."""

    verdict: Verdict
    reasons: tuple[str, ...]
    scores: tuple[Score, ...]
    canary: Counts
    stable: Counts
    evidence: float
    decides_at: float
    state: State
    more_requests: int | None = None
    seconds: float | None = None

    def text(self) -> tuple[str, ...]:
        """Return the judgement in lines for people, the verdict first."""
        from mcci.canary.judge.report import lines

        return lines(self)

    def to_json(self) -> dict[str, object]:
        """Return the judgement as JSON, schema `mcci.judgement/1`."""
        from mcci.canary.judge.report import document

        return document(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The two versions that are compared, by their `version` labels, and the canary's weight in percent."""

    service: str
    namespace: str
    canary: str
    stable: str
    weight: int | None = None


class Metrics(Protocol):
    """What the judge asks of a Prometheus. Both raise an `McciError` when there is no usable answer."""

    def samples(self, selector: str, *, start: float, end: float) -> tuple[Series, ...]:
        """Return the samples as they were scraped, with `start` < time <= `end`."""

    def number(self, query: str, *, at: float) -> float | None:
        """Return the one number that PromQL `query` has at that time; None when it has no series."""
