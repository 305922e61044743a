"""Other judges, made from their documentation, for thousands of rollouts at once.

Flagger: https://docs.flagger.app/usage/how-it-works and /usage/metrics. Kayenta: its judge's documentation
(https://spinnaker.io/docs/guides/user/canary/judge/). The mixture SPRT: Johari, Pekelis & Walsh, arXiv 1512.04922.
The multinomial e-process: Lindon & Malek, arXiv 2011.03567.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from bench.judging.worlds import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judging.worlds import Array, Scrape

ALPHA = 0.01
MINUTE = 6  # looks


class Peer(Protocol):
    """A judge of many rollouts: told every scrape, it returns which rollouts it would roll back now."""

    def look(self, now: Scrape, weight: int) -> Array:
        """Return True for each rollout that is rolled back after this scrape, the canary at `weight` percent."""


class Flagger:
    """Every minute: success rate at least `success` percent and p99 at most 500 ms; the fifth failed check rolls back.

    The limits are those of its documentation's examples; failed checks add up over the rollout.
    """

    def __init__(self, rollouts: int, success: float = 99.0) -> None:
        self.success, self.failed = success, np.zeros(rollouts, int)
        self.seen: list[Scrape] = []

    def look(self, now: Scrape, weight: int) -> Array:
        self.seen.append(now)
        if len(self.seen) == MINUTE:
            requests, errors, slower = _minute(self.seen)[:3]
            bad = 100 * (requests - errors) < self.success * requests
            if slower is not None:
                bad |= _percentile(requests, slower, 0.99) > 500
            self.failed += bad & (requests > 0)
            self.seen = []
        return np.asarray(self.failed >= 5)


class Kayenta:
    """A point a minute of each metric; every five minutes Mann-Whitney on all points so far, as its default judge does.

    High, and so a rollback, when the 98 % interval of the difference lies above a quarter of its estimate (the
    Hodges-Lehmann one); normal approximation with ties and continuity correction.
    """

    def __init__(self, rollouts: int) -> None:
        self.seen: list[Scrape] = []
        self.points: list[list[Array]] = [[], [], [], []]
        self.high = np.zeros(rollouts, bool)

    def look(self, now: Scrape, weight: int) -> Array:
        self.seen.append(now)
        if len(self.seen) == MINUTE:
            requests, errors, slower, others, other_errors, other_slower = _minute(self.seen)
            self.seen = []
            self.points[0].append(errors / np.maximum(requests, 1))
            self.points[1].append(other_errors / np.maximum(others, 1))
            if slower is not None and other_slower is not None:
                self.points[2].append(_percentile(requests, slower, 0.95))
                self.points[3].append(_percentile(others, other_slower, 0.95))
            if len(self.points[0]) % 5 == 0:
                for own, other in (self.points[:2], self.points[2:]):
                    if own:
                        self.high |= is_high(np.array(own).T, np.array(other).T)
        return self.high


def is_high(own: Array, other: Array) -> Array:
    """Return for each row whether its points `own` are classified as High against `other`."""
    differences = own[:, :, None] - other[:, None, :]
    bound = 0.25 * np.abs(np.median(differences.reshape(len(own), -1), axis=1))[:, None]
    shifted = own - bound
    count, rivals = own.shape[1], other.shape[1]
    wins = (shifted[:, :, None] > other[:, None, :]).sum((1, 2)) + 0.5 * (shifted[:, :, None] == other[:, None, :]).sum(
        (1, 2)
    )
    together = np.concatenate([shifted, other], axis=1)
    equal = (together[:, :, None] == together[:, None, :]).sum(2)
    total = count + rivals
    ties = (equal**2 - 1).sum(1) / (total * (total - 1))  # each of t tied points adds t*t - 1
    deviation = np.sqrt(count * rivals / 12 * np.maximum(total + 1 - ties, 1e-12))
    excess = wins - count * rivals / 2
    return np.asarray((excess - 0.5 * np.sign(excess)) / deviation > 2.3263)


class MixtureSprt:
    """The plain mixture SPRT on the difference of the error rates so far, with estimated variance; tau is 1 %."""

    def __init__(self, rollouts: int, tau: float = 0.01) -> None:
        self.totals, self.tau = np.zeros((4, rollouts)), tau

    def look(self, now: Scrape, weight: int) -> Array:
        self.totals += [now.canary, now.stable, now.canary_errors, now.stable_errors]
        canary, stable, errors, other_errors = self.totals
        own, other = errors / np.maximum(canary, 1), other_errors / np.maximum(stable, 1)
        variance = own * (1 - own) / np.maximum(canary, 1) + other * (1 - other) / np.maximum(stable, 1)
        usable = variance > 0
        variance = np.where(usable, variance, 1)
        wide = variance + self.tau**2
        logs = 0.5 * np.log(variance / wide) + self.tau**2 * (own - other) ** 2 / (2 * variance * wide)
        return np.asarray(usable & (own > other) & (logs > -np.log(ALPHA)))


class Multinomial:
    """Lindon & Malek's e-process on which version errors fall, the weights known; a Dirichlet prior about the null.

    The alternative is any other division of the errors, and its prior is as strong as ten errors.
    """

    def __init__(self, rollouts: int, strength: float = 10.0) -> None:
        self.strength, self.weight = strength, 0
        self.logs, self.own, self.other = np.zeros((3, rollouts))

    def look(self, now: Scrape, weight: int) -> Array:
        if weight == 100:
            return np.zeros(len(self.own), bool)
        share = weight / 100
        if weight != self.weight:  # what was learnt holds for the old weights
            self.weight, self.own, self.other = weight, np.zeros_like(self.own), np.zeros_like(self.other)
        a, b = self.strength * share + self.own, self.strength * (1 - share) + self.other
        own, other = now.canary_errors, now.stable_errors
        self.logs += _beta(a + own, b + other) - _beta(a, b) - own * np.log(share) - other * np.log(1 - share)
        self.own, self.other = self.own + own, self.other + other
        return np.asarray((self.logs > -np.log(ALPHA)) & (self.own * (1 - share) > self.other * share))


def _beta(a: Array, b: Array) -> Array:
    return _log_gamma(a) + _log_gamma(b) - _log_gamma(a + b)


def _log_gamma(value: Array) -> Array:
    """Stirling's series after a shift by eight: good to 1e-10."""
    shifted = value + 8
    product = np.ones_like(value)
    for step in range(8):
        product = product * (value + step)
    series = 1 / (12 * shifted) - 1 / (360 * shifted**3) + 1 / (1260 * shifted**5)
    return np.asarray((shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series - np.log(product))


def _minute(seen: Sequence[Scrape]) -> tuple[Array, Array, Array | None, Array, Array, Array | None]:
    slower = [scrape.canary_slower for scrape in seen if scrape.canary_slower is not None]
    other_slower = [scrape.stable_slower for scrape in seen if scrape.stable_slower is not None]
    return (
        np.sum([scrape.canary for scrape in seen], axis=0),
        np.sum([scrape.canary_errors for scrape in seen], axis=0),
        np.sum(slower, axis=0) if slower else None,
        np.sum([scrape.stable for scrape in seen], axis=0),
        np.sum([scrape.stable_errors for scrape in seen], axis=0),
        np.sum(other_slower, axis=0) if other_slower else None,
    )


def _percentile(requests: Array, slower: Array, part: float) -> Array:
    """As Prometheus' histogram_quantile: linear within the bucket."""
    allowed = (requests * (1 - part))[:, None]
    at = (slower > allowed).sum(1)  # how many bounds lie below it
    inside = np.minimum(at, len(BOUNDS) - 1)
    low = np.where(inside > 0, BOUNDS[np.maximum(inside - 1, 0)], 0)
    rows = np.arange(len(requests))
    above = np.where(inside > 0, slower[rows, np.maximum(inside - 1, 0)], requests)
    below = slower[rows, inside]
    within = (above - allowed[:, 0]) / np.maximum(above - below, 1e-9)
    return np.asarray(low + (BOUNDS[inside] - low) * np.clip(within, 0, 1))
