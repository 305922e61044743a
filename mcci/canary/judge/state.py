"""What one judgement leaves to the next, in JSON: the evidence so far, and up to when it reaches."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from mcci.canary.judge.clumps import Clumps
from mcci.canary.judge.experts import Bounds
from mcci.canary.judge.model import Counts
from mcci.canary.judge.wealth import Wealth
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "mcci.judge/1"


class BadState(UsageError):
    """What should be the judge's state is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What both versions did in one cluster, and in how many seconds."""

    canary: Counts = field(default_factory=Counts)
    stable: Counts = field(default_factory=Counts)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The judge's memory of one rollout.

    `alpha` and `shares` are fixed by the first judgement: evidence that was weighed with one split cannot be weighed
    again with another. `until` is up to when each cluster was judged; `step` is what was seen since the weights last
    changed, by cluster, and `total` what was seen since the start.
    """

    started: float
    step_at: float
    alpha: float = 0.0
    shares: Mapping[str, float] = field(default_factory=dict)
    wealths: Mapping[str, Wealth] = field(default_factory=dict)
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    clumps: Mapping[str, Clumps] = field(default_factory=dict)
    until: Mapping[str, float] = field(default_factory=dict)
    step: Mapping[str, Seen] = field(default_factory=dict)
    total: Seen = field(default_factory=Seen)

    @classmethod
    def start(cls, *, at: float) -> State:
        """Return the state of a canary that gets its first traffic at that time."""
        return cls(started=at, step_at=at)

    def next_step(self, *, at: float) -> State:
        """Return the state after the weights changed: the evidence is kept, the step's requests count from `at`.

        What happened between the last look and `at` is left out, because in it the weights were changing.
        """
        return replace(self, step_at=at, step={}, until=dict.fromkeys(self.until, at))

    def since(self, cluster: str) -> float:
        """Return up to when a cluster was judged."""
        return self.until.get(cluster, self.step_at)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values, schema `mcci.judge/1`."""
        return {
            "schema": SCHEMA,
            "started": self.started,
            "step_at": self.step_at,
            "alpha": self.alpha,
            "shares": dict(self.shares),
            "wealths": {test: [held.log, *held.spread] for test, held in self.wealths.items()},
            "bounds": {test: [list(own.bounds), list(own.parts)] for test, own in self.bounds.items()},
            "clumps": {test: [own.statistic, own.freedom] for test, own in self.clumps.items()},
            "until": dict(self.until),
            "step": {cluster: _seen_json(seen) for cluster, seen in self.step.items()},
            "total": _seen_json(self.total),
        }

    @classmethod
    def from_json(cls, data: object) -> State:
        """Return the state that `to_json` wrote. Raises `BadState` for anything else."""
        try:
            return _read(data)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
            raise BadState(
                f"The judge's state is not one that mcci wrote ({type(problem).__name__}: {problem}). "
                "Abort the canary, which forgets it, and begin again."
            ) from problem


def _seen_json(seen: Seen) -> list[Any]:
    return [_counts_json(seen.canary), _counts_json(seen.stable), seen.seconds]


def _counts_json(counts: Counts) -> list[Any]:
    return [counts.requests, counts.errors, counts.timed, [[bound, slow] for bound, slow in counts.slower.items()]]


def _read(data: Any) -> State:
    if data["schema"] != SCHEMA:
        raise ValueError(f"its schema is {data['schema']!r}, not {SCHEMA!r}")
    return State(
        started=_number(data["started"]),
        step_at=_number(data["step_at"]),
        alpha=_number(data["alpha"]),
        shares=_numbers(data["shares"]),
        wealths={str(test): _wealth(held) for test, held in data["wealths"].items()},
        bounds={str(test): Bounds(_tuple(own[0]), _tuple(own[1])) for test, own in data["bounds"].items()},
        clumps={str(test): Clumps(_number(own[0]), int(own[1])) for test, own in data["clumps"].items()},
        until=_numbers(data["until"]),
        step={str(cluster): _seen(seen) for cluster, seen in data["step"].items()},
        total=_seen(data["total"]),
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _numbers(data: Any) -> dict[str, float]:
    return {str(name): _number(value) for name, value in data.items()}


def _tuple(values: Any) -> tuple[float, ...]:
    return tuple(map(_number, values))


def _wealth(values: Any) -> Wealth:
    first, *spread = _tuple(values)
    if not spread or min(spread) < 0 or abs(sum(spread) - 1) > 1e-6:
        raise ValueError("a test's evidence is not spread over parts of one whole")
    return Wealth(first, tuple(spread))


def _seen(values: Any) -> Seen:
    canary, stable, seconds = values
    return Seen(canary=_counts(canary), stable=_counts(stable), seconds=_number(seconds))


def _counts(values: Any) -> Counts:
    requests, errors, timed, slower = values
    return Counts(
        requests=_count(requests),
        errors=_count(errors),
        timed=_count(timed),
        slower={_number(bound): _count(slow) for bound, slow in slower},
    )


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of requests")
    return value
