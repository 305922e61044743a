"""A look, weighed: from the state and what one cluster's versions did between two scrapes to the next state."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from typing import TYPE_CHECKING

from mcci.canary.judge.chances import Table
from mcci.canary.judge.clumps import Clumps
from mcci.canary.judge.experts import PRIOR, RATIOS, Bounds, latency_pays, limit_pays
from mcci.canary.judge.shares import ERROR_LIMIT, ERRORS, LATENCY, LATENCY_LIMIT, in_cluster
from mcci.canary.judge.state import Seen, State
from mcci.canary.judge.wealth import Wealth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.canary.judge.model import Counts, Look
    from mcci.config.canary import Analysis

SLOWEST = 0.05  # `max_latency` is a limit on the 95th percentile


def weigh(state: State, look: Look, analysis: Analysis) -> State:
    """Return the state with `look` added. A look that begins before the cluster's last one ended changes nothing."""
    if look.start < state.since(look.cluster) or look.end <= look.start:
        return state
    state = replace(
        learn(state, look),
        until={**state.until, look.cluster: look.end},
        step={**state.step, look.cluster: _more(state.step.get(look.cluster, Seen()), look)},
        total=_more(state.total, look),
    )
    state = _latency_bounds(state, look)
    return replace(state, wealths={**state.wealths, **dict(_wealths(state, look, analysis))})


def learn(state: State, look: Look) -> State:
    """Return the state that knows how stable's pods differed in `look`, and nothing else of it."""
    return replace(state, clumps={**state.clumps, **dict(_clumps(state, look))})


def evidence(state: State) -> float:
    """Return the purse: how many times likelier all data is made by a worse canary than by an equal one."""
    return sum(share * exp(min(_held(state, test).log, 700)) for test, share in state.shares.items())


def target(state: State, test: str) -> float:
    """Return the log of the wealth at which a test decides alone."""
    return -log(state.alpha * state.shares[test])


def limit_bound(counts: Counts, milliseconds: float) -> float | None:
    """Return the histogram bound that stands for a limit: the first that is not below it; None when there is none."""
    return min((bound for bound in counts.slower if bound >= milliseconds), default=None)


def _held(state: State, test: str) -> Wealth:
    return state.wealths.get(test, Wealth.start((1.0,)))


def _more(seen: Seen, look: Look) -> Seen:
    return Seen(
        canary=seen.canary + look.canary, stable=seen.stable + look.stable, seconds=seen.seconds + look.end - look.start
    )


def _clumps(state: State, look: Look) -> Iterator[tuple[str, Clumps]]:
    if len(look.pods) < 2:
        return
    yield ERRORS, state.clumps.get(ERRORS, Clumps()).after([(pod.requests, pod.errors) for pod in look.pods])
    for bound in look.stable.slower:
        test = f"slower than {bound!r} ms"
        pods = [(pod.timed, pod.slower.get(bound, 0)) for pod in look.pods]
        yield test, state.clumps.get(test, Clumps()).after(pods)


def _latency_bounds(state: State, look: Look) -> State:
    both = look.canary + look.stable
    if not look.canary.timed or not look.stable.timed or not both.slower:
        return state
    tests = (LATENCY, in_cluster(LATENCY, look.cluster))
    new = {test: Bounds.seen(both) for test in tests if test in state.shares and test not in state.bounds}
    return replace(state, bounds={**state.bounds, **new}) if new else state


def _wealths(state: State, look: Look, analysis: Analysis) -> Iterator[tuple[str, Wealth]]:
    clump = state.clumps.get(ERRORS, Clumps()).size
    canary, stable = look.canary, look.stable
    errors = Table(canary.requests, stable.requests, canary.errors, stable.errors).thinned(clump)
    for test in (ERRORS, in_cluster(ERRORS, look.cluster)):
        if test in state.shares:
            held = state.wealths.get(test) or Wealth.start(PRIOR)
            yield test, held.after_table(errors, RATIOS, PRIOR, target(state, test))
    for test in (LATENCY, in_cluster(LATENCY, look.cluster)):
        if test in state.bounds:
            yield from _latency(state, test, look)
    yield from _limits(state, look, analysis, clump)


def _latency(state: State, test: str, look: Look) -> Iterator[tuple[str, Wealth]]:
    bounds = state.bounds[test]
    pays = latency_pays(bounds, look.canary, look.stable, _slow_clump(state))
    if pays is not None:
        held = state.wealths.get(test) or Wealth.start(bounds.prior)
        yield test, held.after(pays, bounds.prior, target(state, test))


def _slow_clump(state: State) -> Callable[[float], float]:
    # A clump of requests that are slower than a bound is one of those slower than every lower bound.
    sizes = {float(test.split()[2]): own.size for test, own in state.clumps.items() if test != ERRORS}
    return lambda bound: max((size for own, size in sizes.items() if own >= bound), default=1.0)


def _limits(state: State, look: Look, analysis: Analysis, clump: float) -> Iterator[tuple[str, Wealth]]:
    canary, limit = look.canary, analysis.max_error_rate / 100
    if ERROR_LIMIT in state.shares and canary.requests and 0 < limit < 1:
        yield _limited(state, ERROR_LIMIT, canary.requests / clump, int(canary.errors / clump), limit)
    if LATENCY_LIMIT in state.shares and canary.timed and analysis.max_latency is not None:
        bound = limit_bound(canary, analysis.max_latency * 1000)
        if bound is not None:
            size = _slow_clump(state)(bound)
            slow = int(canary.slower[bound] / size)
            yield _limited(state, LATENCY_LIMIT, canary.timed / size, slow, SLOWEST)


def _limited(state: State, test: str, requests: float, marked: int, limit: float) -> tuple[str, Wealth]:
    held = state.wealths.get(test) or Wealth.start(PRIOR)
    return test, held.after(limit_pays(requests, marked, limit), PRIOR, target(state, test))
