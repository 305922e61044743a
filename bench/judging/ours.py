"""mcci's judge for thousands of rollouts at once, in numpy; `bench/judge.py` holds it against the real one.

Every function here is its namesake in `mcci.canary.judge`, with a first axis for the rollouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcci.canary.judge import experts, shares
from mcci.canary.judge.chances import LARGEST_DRAW
from mcci.canary.judge.wealth import MOVED, ONE_SCRAPE, ONE_SCRAPE_CUT

if TYPE_CHECKING:
    from bench.judging.worlds import Array, Scrape
    from mcci.config.canary import Analysis

_LOGS = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 400_000)))])
SLOPES = np.log(np.array(experts.RATIOS))
PRIOR = np.array(experts.PRIOR)
SLOWER = np.log(np.array(experts.SLOWER))
TILTS = np.array(experts.TILTS)
_CERTAIN = 2.33


class Judge:
    """All rollouts of a row. `look` returns which of them are failed now."""

    def __init__(self, rollouts: int, analysis: Analysis, clusters: int = 1) -> None:
        self.alpha = shares.alpha(analysis)
        names = [str(number) for number in range(clusters)]
        self.shares = shares.split(analysis, names)
        self.limit = analysis.max_error_rate / 100
        self.errors = _Wealth(rollouts, PRIOR, self._target(shares.ERRORS))
        self.limits = _Wealth(rollouts, PRIOR, self._target(shares.ERROR_LIMIT))
        tests = [shares.in_cluster(shares.ERRORS, name) for name in names if clusters > 1]
        self.own = {test: _Wealth(rollouts, PRIOR, self._target(test)) for test in tests}
        self.latency: _Wealth | None = None
        self.parts: Array | None = None
        self.clumps: dict[str, Array] = {}

    def learn(self, before: Scrape) -> None:
        """See how the stable version's pods differ before there is a canary."""
        self._clump("errors", before.pods, before.pod_errors)
        timed = before.pods[:, :, None] if before.pods is not None else None
        self._clump("slower", timed, before.pod_slower)

    def look(self, now: Scrape, on: Array) -> Array:
        """Weigh a scrape for the rollouts that are `on`."""
        for number, one in enumerate(now.clusters or (now,)):
            self._look(one, on, shares.in_cluster(shares.ERRORS, str(number)))
        return np.asarray(self.purse() >= (1 - 1e-9) / self.alpha) & on

    def _look(self, now: Scrape, on: Array, own: str) -> None:
        clump = self._clump("errors", now.pods, now.pod_errors)
        table = _thinned(now.canary, now.stable, now.canary_errors, now.stable_errors, clump)
        self.errors.after_table(table, on)
        if own in self.own:
            self.own[own].after_table(table, on)
        requests, failed = now.canary / clump, np.floor(now.canary_errors / clump)
        pays = failed[:, None] * SLOPES - requests[:, None] * np.log1p((np.exp(SLOPES) - 1) * self.limit)
        self.limits.after(pays, on & (now.canary > 0))
        if now.canary_slower is not None:
            self._latency(now, on)

    def purse(self) -> Array:
        """The evidence of each rollout."""
        wealths = {
            shares.ERRORS: self.errors,
            shares.ERROR_LIMIT: self.limits,
            shares.LATENCY: self.latency,
            **self.own,
        }
        start = np.zeros_like(self.errors.log)
        held = {test: wealth.log if wealth else start for test, wealth in wealths.items()}
        logs = {test: held.get(test, start) for test in self.shares}
        return np.asarray(
            np.sum([self.shares[test] * np.exp(np.minimum(own, 700)) for test, own in logs.items()], axis=0)
        )

    def _target(self, test: str) -> float:
        return float(-np.log(self.alpha * self.shares[test]))

    def _clump(self, name: str, pods: Array | None, marked: Array | None) -> Array:
        """`pods` and `marked` are (rollouts, pods) or (rollouts, pods, bounds)."""
        if pods is None or marked is None:
            return np.ones(1)
        total, bad = pods.sum(1), marked.sum(1)
        share = bad / np.maximum(total, 1)
        usable = (bad > 0) & (bad < total) & ((pods > 0).sum(1) > 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            each = (marked - share[:, None] * pods) ** 2 / (share * (1 - share))[:, None] / pods
        spread = np.where(pods > 0, each, 0).sum(1) * (total - 1) / np.maximum(total, 1)
        statistic, freedom = self.clumps.get(name, np.zeros((2, *total.shape)))
        statistic = statistic + np.where(usable, spread, 0)
        freedom = freedom + np.where(usable, (pods > 0).sum(1) - 1, 0)
        self.clumps[name] = np.array([statistic, freedom])
        third = 2 / (9 * np.maximum(freedom, 1))
        usual = freedom * (1 - third + _CERTAIN * third**0.5) ** 3
        ratio = np.maximum(1, statistic / np.maximum(freedom, 1))
        return np.asarray(np.where((freedom > 0) & (statistic > usual), ratio, 1))

    def _latency(self, now: Scrape, on: Array) -> None:
        assert now.canary_slower is not None
        assert now.stable_slower is not None
        timed = now.pods[:, :, None] if now.pods is not None else None
        clump = self._clump("slower", timed, now.pod_slower)
        clump = np.maximum.accumulate(clump[..., ::-1], axis=-1)[..., ::-1]
        ready = (now.canary > 0) & (now.stable > 0)
        slower = now.canary_slower + now.stable_slower
        share = slower / np.maximum(now.canary + now.stable, 1)[:, None]
        weights = np.sqrt(share * (1 - share)) + 0.02
        weights /= weights.sum(1, keepdims=True)
        if self.latency is None or self.parts is None:
            self.parts = np.full(share.shape, np.nan)
            experts_ = 1 + share.shape[1] * len(SLOWER) + len(TILTS)
            self.latency = _Wealth(len(share), np.ones(experts_) / experts_, self._target(shares.LATENCY))
            self.latency.prior = np.tile(self.latency.prior, (len(share), 1))
        fresh = ready & np.isnan(self.parts[:, 0])
        self.parts[fresh] = weights[fresh]
        prior = np.concatenate(
            [
                np.full((fresh.sum(), 1), 1 - experts.BOUNDS - experts.RANKS),
                np.repeat(weights[fresh] * experts.BOUNDS / len(SLOWER), len(SLOWER), axis=1),
                np.full((fresh.sum(), len(TILTS)), experts.RANKS / len(TILTS)),
            ],
            axis=1,
        )
        self.latency.prior[fresh] = prior
        self.latency.spread[fresh] = prior
        columns = (now.canary[:, None], now.stable[:, None], now.canary_slower, now.stable_slower)
        bets = _log_odds_bets(_thinned(*columns, clump), SLOWER).reshape(len(share), -1)
        tilts = _tilted(now) / np.maximum(1, clump.max(-1))[..., None]
        self.latency.after(np.concatenate([np.zeros((len(share), 1)), bets, tilts], axis=1), on & ready)


class _Wealth:
    def __init__(self, rollouts: int, prior: Array, target: float) -> None:
        self.prior, self.target = prior, target
        self.log = np.zeros(rollouts)
        self.spread = np.tile(prior, (rollouts, 1))

    def after(self, logs: Array, on: Array) -> None:
        index = np.nonzero(on)[0]
        self._settle(index, logs[index], np.zeros(len(index)), ONE_SCRAPE_CUT)

    def after_table(self, table: tuple[Array, ...], on: Array) -> None:
        canary, stable, canary_marked, stable_marked = table
        marked = canary_marked + stable_marked
        tells = on & (canary > 0) & (stable > 0) & (marked > 0) & (marked < canary + stable)
        large = np.nonzero(tells & (marked > LARGEST_DRAW))[0]
        if len(large):
            bets = _log_odds_bets(tuple(part[large] for part in table), SLOPES)
            self._settle(large, bets, np.zeros(len(large)), ONE_SCRAPE_CUT)
        index = np.nonzero(tells & (marked <= LARGEST_DRAW) & (self.log < self.target))[0]
        index = index[np.argsort(marked[index])]
        for part_ in np.array_split(index, max(1, len(index) // 250)):  # alike in size, so that few cells are empty
            if len(part_):
                self._exact(part_, *(part[part_].astype(int) for part in table))

    def _exact(self, index: Array, canary: Array, stable: Array, own: Array, other: Array) -> None:
        marked = own + other
        counts = np.arange(min(marked.max(), canary.max()) + 1)[None, :]
        low = np.maximum(0, marked - stable)[:, None]
        possible = (counts >= low) & (counts <= np.minimum(canary, marked)[:, None])
        at = np.where(possible, counts, low)
        chances = _choose(canary[:, None], at) + _choose(stable[:, None], marked[:, None] - at)
        chances = np.where(possible, chances - _choose(canary + stable, marked)[:, None], -np.inf)
        bets = counts[:, :, None] * SLOPES
        prices = _log_sum(chances[:, :, None] + bets, axis=1)
        pays = (self._moved(index)[:, None, :] * np.exp(np.minimum(bets - prices[:, None, :], 700))).sum(2)
        factor = _raised(np.where(possible, pays, 0), np.exp(chances), possible, np.exp(self._most(index, ONE_SCRAPE)))
        self._settle(index, own[:, None] * SLOPES - prices, np.log(factor), ONE_SCRAPE)

    def _settle(self, index: Array, logs: Array, raised: Array, part: float) -> None:
        money = np.log(self._moved(index)) + logs
        total = _log_sum(money, axis=1)
        self.spread[index] = np.exp(money - total[:, None])
        self.log[index] += np.minimum(raised + total, self._most(index, part))

    def _moved(self, index: Array) -> Array:
        prior = self.prior if self.prior.ndim == 1 else self.prior[index]
        return np.asarray((1 - MOVED) * self.spread[index] + MOVED * prior)

    def _most(self, index: Array, part: float) -> Array:
        return np.minimum(self.target * part, self.target - self.log[index])


def _choose(total: Array, part: Array) -> Array:
    return np.asarray(_LOGS[total] - _LOGS[part] - _LOGS[total - part])


def _log_sum(values: Array, axis: int) -> Array:
    top = values.max(axis, keepdims=True)
    return np.asarray(np.squeeze(top, axis) + np.log(np.exp(values - top).sum(axis)))


def _raised(pays: Array, chances: Array, possible: Array, most: Array) -> Array:
    expected = np.cumsum(chances * pays, 1)
    factor, cut = np.full(len(pays), np.nan), np.zeros(len(pays))
    for count in range(pays.shape[1] - 1, -1, -1):
        open_ = np.isnan(factor) & possible[:, count]
        with np.errstate(divide="ignore", invalid="ignore"):
            best = np.maximum(0, 1 - cut * most) / expected[:, count]
            fits = open_ & (best * pays[:, count] <= most)
        factor[fits] = best[fits]
        cut += np.where(open_ & ~fits, chances[:, count], 0)
    return np.where(np.isnan(factor), 1, factor)


def _thinned(canary: Array, stable: Array, own: Array, other: Array, clump: Array) -> tuple[Array, ...]:
    marked, stable_marked = np.floor(own / clump), np.ceil(other / clump)
    return (
        np.maximum(marked, np.rint(canary / clump)),
        np.maximum(stable_marked, np.rint(stable / clump)),
        marked,
        stable_marked,
    )


def _log_odds_bets(table: tuple[Array, ...], slopes: Array) -> Array:
    canary, stable, own, other = (np.broadcast_to(part, np.broadcast_shapes(*map(np.shape, table))) for part in table)
    requests, marked = canary + stable, own + other
    tells = (canary > 0) & (stable > 0) & (marked > 0) & (marked < requests)
    safe = np.maximum(requests, 1)
    unmarked = requests - marked
    smallest = np.minimum.reduce([marked, canary, stable, unmarked])[..., None]
    up, down = np.exp(slopes) - 1, np.exp(-slopes) - 1

    def price(drawn: Array, share: Array, gain: Array) -> Array:
        return np.asarray(drawn[..., None] * np.log1p(gain * (share / safe)[..., None]))

    kinds: list[Array] = [
        own[..., None] * slopes - price(marked, canary, up),
        own[..., None] * slopes - price(canary, marked, up),
        -other[..., None] * slopes - price(stable, marked, down),
        -(canary - own)[..., None] * slopes - price(unmarked, canary, down),
    ]
    which = [smallest == margin[..., None] for margin in (marked, canary, stable)]
    return np.asarray(np.where(tells[..., None], np.select(which, kinds[:3], kinds[3]), 0.0))


def _tilted(now: Scrape) -> Array:
    assert now.canary_slower is not None
    assert now.stable_slower is not None
    rollouts = len(now.canary)
    zero = np.zeros((rollouts, 1))
    own = -np.diff(np.concatenate([now.canary[:, None], now.canary_slower, zero], axis=1))
    other = -np.diff(np.concatenate([now.stable[:, None], now.stable_slower, zero], axis=1))
    both = own + other
    total = np.maximum(both.sum(1, keepdims=True), 1)
    ranks = (np.cumsum(both, 1) - both / 2) / total
    canary_few = now.canary <= now.stable
    sign = np.where(canary_few, 1.0, -1.0)[:, None, None]
    scores = sign * TILTS * ranks[:, :, None]
    few = np.where(canary_few[:, None], own, other)
    won = (scores * few[:, :, None]).sum(1)
    price = np.log(((both / total)[:, :, None] * np.exp(scores)).sum(1).clip(1e-300))
    return np.asarray(won - few.sum(1)[:, None] * price)
