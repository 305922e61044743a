"""The judge as the steps ask it: its state is the JSON in the canary's state, its evidence from Prometheus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcci.canary import judge
from mcci.canary.verdict import Look, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mcci.canary.judge import Metrics
    from mcci.canary.state import State
    from mcci.config.canary import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusJudge:
    """Judges by what the clusters' Prometheuses have."""

    metrics: Mapping[str, Metrics]
    namespace: str
    analysis: Analysis

    def look(self, state: State, troubles: tuple[str, ...], now: datetime) -> Look:
        """Return the judgement of all that was seen so far. Raises `BadState` where the state's JSON is another's."""
        before = judge.State.from_json(state.judged) if state.judged else judge.State.start(at=state.since.timestamp())
        target = judge.Target(
            service=state.service,
            namespace=self.namespace,
            canary=state.canary,
            stable=state.stable,
            weight=state.weights.get(state.canary, 0),
        )
        evidence = judge.observe(self.metrics, target, before, self.analysis, now=now.timestamp())
        found = judge.judge(before, replace(evidence, troubles=troubles), self.analysis)
        return Look(
            verdict=Verdict(found.verdict.value),
            reasons=found.reasons,
            text="\n".join(found.text()),
            evidence=found.to_json(),
            judged=found.state.to_json(),
            more_requests=found.more_requests,
            seconds=found.seconds,
        )

    def begin(self, state: State, now: datetime) -> Mapping[str, Any]:
        """Return the judge's state at new weights: what it has learnt stays, the step's requests count anew."""
        at = now.timestamp()
        if state.judged:
            return judge.State.from_json(state.judged).next_step(at=at).to_json()
        return judge.State.start(at=at).to_json()
