"""The real judge, asked about some of the simulated rollouts: what was measured must be what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.judging.worlds import BOUNDS, LOOK
from mcci.canary.judge import Counts, Evidence, Look, State, Verdict, judge

if TYPE_CHECKING:
    from bench.judging.worlds import Array, Scrape
    from mcci.config.canary import Analysis


class Real:
    """The real judge's states for the first `count` rollouts of a row."""

    def __init__(self, count: int, analysis: Analysis) -> None:
        self.states = [State.start(at=0.0) for _ in range(count)]
        self.analysis = analysis
        self.history: list[list[Look]] = [[] for _ in range(count)]

    def learn(self, number: int, before: Scrape) -> None:
        """Keep a scrape from before the canary; `number` counts from the first."""
        for one, looks in enumerate(self.history):
            stable = _counts(before.stable[one], before.stable_errors[one], before.stable_slower, one)
            start = (number - 1000) * LOOK
            pods = _pods(before, one)
            looks.append(Look(cluster="0", start=start, end=start + LOOK, canary=Counts(), stable=stable, pods=pods))

    def check(self, number: int, now: Scrape, on: Array, purse: Array, failed: Array) -> None:
        """Judge a scrape; raises `AssertionError` when evidence or verdict differ from what numpy has."""
        for one, state in enumerate(self.states):
            if not on[one]:
                continue
            parts = enumerate(now.clusters or (now,))
            looks = tuple(_look(part, one, str(cluster), number * LOOK) for cluster, part in parts)
            until = {look.cluster: look.end for look in looks}
            known = Evidence(looks=looks, history=tuple(self.history[one]), until=until)
            judgement = judge(state, known, self.analysis)
            self.states[one] = State.from_json(judgement.state.to_json())
            found, held = np.log(judgement.evidence), np.log(purse[one])
            assert abs(found - held) < 1e-5, (number, one, judgement.evidence, purse[one])
            assert (judgement.verdict is Verdict.FAIL) == bool(failed[one]), (number, one, judgement.reasons)


def _look(now: Scrape, one: int, cluster: str, start: float) -> Look:
    return Look(
        cluster=cluster,
        start=start,
        end=start + LOOK,
        canary=_counts(now.canary[one], now.canary_errors[one], now.canary_slower, one),
        stable=_counts(now.stable[one], now.stable_errors[one], now.stable_slower, one),
        pods=_pods(now, one),
    )


def _counts(requests: Array, errors: Array, slower: Array | None, one: int) -> Counts:
    if slower is None:
        return Counts(requests=int(requests), errors=int(errors))
    return Counts(requests=int(requests), errors=int(errors), timed=int(requests), slower=_slower(slower[one]))


def _slower(counts: Array) -> dict[float, int]:
    return {float(bound): int(count) for bound, count in zip(BOUNDS, counts, strict=True)}


def _pods(now: Scrape, one: int) -> tuple[Counts, ...]:
    if now.pods is None or now.pod_errors is None or now.pod_slower is None:
        return ()
    rows = zip(now.pods[one], now.pod_errors[one], now.pod_slower[one], strict=True)
    return tuple(
        Counts(requests=int(requests), errors=int(errors), timed=int(requests), slower=_slower(slower))
        for requests, errors, slower in rows
    )
