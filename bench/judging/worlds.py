"""Simulated rollouts: what a scrape every ten seconds would count, for thousands of rollouts at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mcci.canary.judge.counters import spans
from mcci.clients.prometheus import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Array = npt.NDArray[Any]
LOOK = 10.0  # seconds
# Istio's histogram of durations has these bounds, in milliseconds
BOUNDS = np.array([0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1e3, 2500, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5])
STEPS = (10, 25, 50, 100)
EACH = 60  # looks of a step: ten minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What one scrape counted, by rollout; the bounds' axis is the last, `pods` are the stable version's."""

    canary: Array
    stable: Array
    canary_errors: Array
    stable_errors: Array
    canary_slower: Array | None = None
    stable_slower: Array | None = None
    pods: Array | None = None
    pod_errors: Array | None = None
    pod_slower: Array | None = None
    clusters: tuple[Scrape, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How requests come, fail and last. Rates are per second, shares between 0 and 1.

    `load` and `base` give factors for (look, rollouts); `slow` is how much longer the canary's requests take, and
    `tail` how much longer its slowest tenth; `spread` is the log-normal's sigma, with `pareto` a tail of that index.
    `stumbles` is the chance that a pod fails `stumble_share` of a scrape's requests, or with `stalls` makes them slow.
    With several `clusters` these divide the load, only the first `bad_clusters` have a worse canary, and durations are
    left out.
    """

    rate: float = 100.0
    errors: float = 0.01
    canary_errors: float = 0.01
    steps: tuple[int, ...] = STEPS
    each: int = EACH
    from_look: int = 0
    load: Callable[[np.random.Generator, int, int], Array] | None = None
    base: Callable[[np.random.Generator, int, int], Array] | None = None
    slow: float = 1.0
    tail: float = 1.0
    spread: float = 0.6
    pareto: float = 0.0
    pods: int = 0
    canary_pods: int = 1
    bad_pod: float = 0.0
    stumbles: float = 0.0
    stumble_share: float = 0.3
    stalls: bool = False
    pods_known: bool = True
    history: int = 0
    resets: float = 0.0
    clusters: int = 1
    bad_clusters: int = 0

    @property
    def looks(self) -> int:
        """How many looks a rollout has."""
        return len(self.steps) * self.each

    def weight(self, look: int) -> int:
        """The canary's weight at a look, in percent."""
        return self.steps[min(look // self.each, len(self.steps) - 1)]


def scrapes(world: World, rollouts: int, seed: int) -> Iterator[Scrape]:
    """Yield a rollout's scrapes in order, for all rollouts at once."""
    if world.clusters > 1:
        return _clusters(world, rollouts, seed)
    rng = np.random.default_rng(seed)
    made = (_scrape(world, look, rollouts, rng) for look in range(world.looks))
    return _with_resets(world, list(made), rng) if world.resets else made


def _clusters(world: World, rollouts: int, seed: int) -> Iterator[Scrape]:
    part = replace(world, clusters=1, rate=world.rate / world.clusters)
    fine = replace(part, canary_errors=world.errors)
    each = [
        scrapes(part if number < world.bad_clusters else fine, rollouts, 100 * seed + number)
        for number in range(world.clusters)
    ]
    fields = ("canary", "stable", "canary_errors", "stable_errors")
    for found in zip(*each, strict=True):
        own = tuple(replace(scrape, canary_slower=None, stable_slower=None) for scrape in found)
        sums = {name: np.sum([getattr(scrape, name) for scrape in own], axis=0) for name in fields}
        yield Scrape(**sums, clusters=own)


def history(world: World, rollouts: int, seed: int) -> Iterator[Scrape]:
    """Yield the scrapes from before the canary."""
    rng = np.random.default_rng(seed + 1000)
    before = replace(world, steps=(0,), canary_errors=world.errors, bad_pod=0.0)
    return (_scrape(before, look, rollouts, rng) for look in range(world.history))


def _scrape(world: World, look: int, rollouts: int, rng: np.random.Generator) -> Scrape:
    load = world.load(rng, look, rollouts) if world.load else np.ones(rollouts)
    base = world.base(rng, look, rollouts) if world.base else np.ones(rollouts)
    share = world.weight(look) / 100
    faulty = look >= world.from_look
    own = world.canary_errors if faulty else world.errors
    canary_rate = np.clip(own * base, 0, 1)
    stable_rate = np.clip(world.errors * base, 0, 1)
    seconds = world.rate * LOOK * load
    if world.pods:
        return _by_pods(world, rng, seconds, share, canary_rate, stable_rate)
    canary, stable = rng.poisson(seconds * share), rng.poisson(seconds * (1 - share))
    return Scrape(
        canary=canary,
        stable=stable,
        canary_errors=rng.binomial(canary, canary_rate),
        stable_errors=rng.binomial(stable, stable_rate),
        canary_slower=_slower(rng, canary, chances(world, canary=faulty)),
        stable_slower=_slower(rng, stable, chances(world, canary=False)),
    )


def _by_pods(
    world: World, rng: np.random.Generator, seconds: Array, share: float, canary_rate: Array, stable_rate: Array
) -> Scrape:
    own = _pods(world, rng, seconds * share, canary_rate, world.canary_pods, bad=world.bad_pod)
    other = _pods(world, rng, seconds * (1 - share), stable_rate, world.pods, bad=0.0)
    known = world.pods_known
    return Scrape(
        canary=own[0].sum(1),
        stable=other[0].sum(1),
        canary_errors=own[1].sum(1),
        stable_errors=other[1].sum(1),
        canary_slower=own[2].sum(1),
        stable_slower=other[2].sum(1),
        pods=other[0] if known else None,
        pod_errors=other[1] if known else None,
        pod_slower=other[2] if known else None,
    )


def _pods(
    world: World, rng: np.random.Generator, requests: Array, rate: Array, pods: int, *, bad: float
) -> tuple[Array, Array, Array]:
    shape = (len(requests), pods)
    counts = rng.poisson(np.broadcast_to(requests[:, None] / pods, shape))
    rates = np.broadcast_to(rate[:, None], shape).copy()
    if bad:
        rates[:, 0] = bad
    stumbling = rng.random(shape) < world.stumbles
    if not world.stalls:
        rates = np.where(stumbling, np.maximum(rates, world.stumble_share), rates)
    usual = _slower(rng, counts.ravel(), chances(world, canary=False)).reshape(*shape, -1)
    if world.stalls:
        stalled = rng.binomial(counts, world.stumble_share)
        rest = _slower(rng, (counts - stalled).ravel(), chances(world, canary=False)).reshape(*shape, -1)
        usual = np.where(stumbling[:, :, None], rest + stalled[:, :, None] * (BOUNDS < 900), usual)
    return counts, rng.binomial(counts, rates), usual


@cache
def chances(world: World, *, canary: bool) -> Array:
    """Return the chance of a request to be slower than each of `BOUNDS`."""
    rng = np.random.default_rng(7)
    durations = np.sort(55 * np.exp(world.spread * rng.standard_normal(400_000)))
    if world.pareto:
        tail = 200 * (1 + rng.pareto(world.pareto, len(durations)))
        durations = np.where(rng.random(len(durations)) < 0.1, tail, durations)
    if canary:
        durations = durations * world.slow
        durations = np.where(durations > np.quantile(durations, 0.9), durations * world.tail, durations)
    ordered = np.sort(durations)
    return 1 - np.searchsorted(ordered, BOUNDS, side="right") / len(ordered)


def _slower(rng: np.random.Generator, requests: Array, above: Array) -> Array:
    cells = -np.diff(np.concatenate([[1.0], above, [0.0]]))
    drawn = rng.multinomial(requests, cells / cells.sum())
    return np.asarray(requests[:, None] - np.cumsum(drawn[:, :-1], 1))


def _with_resets(world: World, made: list[Scrape], rng: np.random.Generator) -> Iterator[Scrape]:
    """The same as counters of a canary pod and a stable pod that restart and miss scrapes, read by the real code."""
    fields = ("canary", "stable", "canary_errors", "stable_errors")
    columns = np.array([[getattr(scrape, name) for name in fields] for scrape in made])  # look, field, rollout
    counted = np.array([_counted(columns[:, :, one], world.resets, rng) for one in range(columns.shape[2])])
    for look, scrape in enumerate(made):
        own = dict(zip(fields, counted[:, look, :].T, strict=True))
        yield replace(scrape, **own, canary_slower=None, stable_slower=None)


def _counted(columns: Array, resets: float, rng: np.random.Generator) -> Array:
    looks = len(columns)
    series = []
    for pod, fields in (("canary", (0, 2)), ("stable", (1, 3))):
        restart = rng.random(looks) < resets
        missed = rng.random(looks) < resets
        lost = rng.random(looks)
        for field in fields:
            value, samples = 0.0, [(0.0, 0.0)]
            for look in range(looks):
                new = columns[look, field]
                value = new - np.floor(new * lost[look]) if restart[look] else value + new
                if not missed[look]:
                    samples.append(((look + 1) * LOOK, float(value)))
            series.append(Series(labels={"pod": pod, "field": str(field)}, samples=tuple(samples)))
    found = np.zeros((looks, 4))
    for span in spans(series, since=0.0, now=looks * LOOK):
        found[round(span.end / LOOK) - 1] = [span.counted[index] for index in (0, 2, 1, 3)]
    return found
