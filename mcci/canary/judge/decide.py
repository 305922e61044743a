"""The verdict: from the state and all that is known now to pass, fail or inconclusive, with the reasons."""

from __future__ import annotations

from dataclasses import replace
from math import exp, isnan, log, sqrt
from typing import TYPE_CHECKING

from mcci.canary.judge import shares, words
from mcci.canary.judge.forecast import Need, leaning, over_limit, too_few
from mcci.canary.judge.latencies import percentile
from mcci.canary.judge.model import Counts, Judgement, Score, Verdict
from mcci.canary.judge.weigh import evidence, learn, limit_bound, target, weigh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.canary.judge.model import Evidence
    from mcci.canary.judge.state import State
    from mcci.config.canary import Analysis

LEANING = 10.0  # evidence at which a canary is held until it is clearer, if it is to be clearer
_MISSING_TRAFFIC = 0.75  # a canary with less than this part of its weight in requests does not get its traffic
_CERTAIN = 5.0  # standard deviations

Reason = tuple[str, Need]
NOTHING = Need()


def judge(state: State, evidence_now: Evidence, analysis: Analysis) -> Judgement:
    """Return the verdict on a canary, from what was known before (`state`) and what is known now.

    Looks are weighed in order of time; those that were weighed before are passed over. A trouble, or a query above 0,
    fails at once; a problem, a query without a number, too few requests or a suspicion hold.
    """
    looks = sorted(evidence_now.looks, key=lambda look: (look.end, look.cluster))
    if not state.shares and looks:
        clusters = sorted(set(evidence_now.until) or {look.cluster for look in looks})
        split = shares.split(analysis, clusters)
        state = replace(state, alpha=shares.alpha(analysis), shares=split)
        for look in evidence_now.history:
            state = learn(state, look)
    for look in looks:
        state = weigh(state, look, analysis)
    later = {cluster: at for cluster, at in evidence_now.until.items() if at > state.since(cluster)}
    state = replace(state, until={**state.until, **later})
    fails = list(_fails(state, evidence_now, analysis))
    if fails:
        return _judgement(state, Verdict.FAIL, fails, NOTHING)
    holds = list(_holds(state, evidence_now, analysis))
    if holds:
        known = [need for _, need in holds if need.requests is not None]
        largest = max(known, key=lambda need: need.requests or 0, default=NOTHING)
        return _judgement(state, Verdict.INCONCLUSIVE, [reason for reason, _ in holds], largest)
    return _judgement(state, Verdict.PASS, list(_passes(state, analysis)), NOTHING)


def step_counts(state: State) -> tuple[Counts, Counts]:
    """Return what the canary and stable did in this step, over all clusters."""
    seen = state.step.values()
    return sum((one.canary for one in seen), Counts()), sum((one.stable for one in seen), Counts())


def _fails(state: State, known: Evidence, analysis: Analysis) -> Iterator[str]:
    yield from known.troubles
    for name, value in known.answers.items():
        if value > 0:
            yield f"the query '{name}' gives {value:g}, which is above 0"
    canary = state.total.canary
    if analysis.max_error_rate == 0 and canary.errors:
        yield f"{words.rate(canary)} of the canary's requests failed, and max_error_rate is 0"
    if state.shares and log(max(evidence(state), 1e-300)) >= -log(state.alpha) - 1e-9:
        worst = max(state.shares, key=lambda test: _score(state, test).evidence * state.shares[test])
        yield words.worse(state, _score(state, worst), analysis)


def _holds(state: State, known: Evidence, analysis: Analysis) -> Iterator[Reason]:
    for problem in known.problems:
        yield problem, NOTHING
    for name, value in known.answers.items():
        if isnan(value):
            yield f"the query '{name}' gives no number (NaN)", NOTHING
    for name in analysis.queries:
        if name not in known.answers:
            yield f"the query '{name}' has no answer yet", NOTHING
    canary, stable = step_counts(state)
    if not canary.requests:
        yield f"the canary has had no request {words.since(state)}", too_few(state, 0, analysis.min_requests)
        return
    if canary.requests < analysis.min_requests:
        few = f"the canary has had {canary.requests:,} of the {analysis.min_requests:,} requests that it must have"
        yield few, too_few(state, canary.requests, analysis.min_requests)
    if not stable.requests and (known.weight is None or known.weight < 100):
        yield "the stable version has had no request to compare with", NOTHING
    yield from _suspicions(state, analysis)
    yield from _limits(state, analysis)
    if known.weight and known.weight < 100:
        yield from _traffic(canary, stable, known.weight)


def _suspicions(state: State, analysis: Analysis) -> Iterator[Reason]:
    purse = evidence(state)
    if purse >= min(LEANING, 1 / sqrt(state.alpha)):
        worst = max(state.shares, key=lambda test: _score(state, test).evidence * state.shares[test])
        score = _score(state, worst)
        yield words.suspicious(state, score, analysis), leaning(state, purse, worst, analysis)


def _limits(state: State, analysis: Analysis) -> Iterator[Reason]:
    canary, _ = step_counts(state)
    limit = analysis.max_error_rate
    if canary.errors * 100 > limit * canary.requests:
        text = f"{words.rate(canary)} of the canary's requests failed, and max_error_rate is {limit:g} %"
        yield text, over_limit(state, canary.errors, canary.requests, limit / 100, shares.ERROR_LIMIT)
    if analysis.max_latency is None:
        return
    most = analysis.max_latency * 1000
    slowest = percentile(canary, 0.95)
    if slowest is None:
        yield "there are no response times to hold against max_latency", NOTHING
    elif (bound := limit_bound(canary, most)) is None:
        yield f"max_latency is {most:g} ms, above every bound of the histogram", NOTHING
    elif slowest > most:
        text = f"the canary's 95th percentile is {words.milliseconds(slowest)}, and max_latency is {most:g} ms"
        yield text, over_limit(state, canary.slower[bound], canary.timed, 0.05, shares.LATENCY_LIMIT)


def _traffic(canary: Counts, stable: Counts, weight: int) -> Iterator[Reason]:
    requests = canary.requests + stable.requests
    expected = requests * weight / 100
    deviation = sqrt(expected * (1 - weight / 100))
    if canary.requests < expected * _MISSING_TRAFFIC and canary.requests < expected - _CERTAIN * deviation:
        share = f"{canary.requests / requests:.1%}".replace("%", " %")
        yield f"the canary gets {share} of the requests and its weight is {weight}: see who lost the others", NOTHING


def _passes(state: State, analysis: Analysis) -> Iterator[str]:
    canary, stable = step_counts(state)
    yield words.compared(canary, stable)
    for bound_by in (words.latencies(canary, stable), words.limits(analysis)):
        if bound_by:
            yield bound_by
    if not stable.requests:
        yield "the stable version had no requests in this step; only the limits were judged"


def _score(state: State, test: str) -> Score:
    held = state.wealths.get(test)
    return Score(
        test=test,
        evidence=exp(min(held.log, 700.0)) if held else 1.0,
        share=state.shares[test],
        decides_at=exp(target(state, test)),
    )


def _judgement(state: State, verdict: Verdict, reasons: list[str], need: Need) -> Judgement:
    canary, stable = step_counts(state)
    return Judgement(
        verdict=verdict,
        reasons=tuple(reasons),
        scores=tuple(_score(state, test) for test in state.shares),
        canary=canary,
        stable=stable,
        evidence=evidence(state) if state.shares else 1.0,
        decides_at=1 / state.alpha if state.alpha else 0.0,
        state=state,
        more_requests=need.requests,
        seconds=need.seconds,
    )
