"""Whether a canary is as good as the stable version: pure, told numbers, and asked as often as one likes.

How it judges, and why it may be asked at any time, is in docs/explanation/judge.md. What callers do:

    state = State.start(at=now)                          # when the canary gets its first traffic; Unix seconds
    state = state.next_step(at=now)                      # after each change of weights is in effect; keeps the evidence
    evidence = observe(metrics, target, state, analysis, now=now)      # reads Prometheus; never raises for its faults
    evidence = replace(evidence, troubles=("pod x restarted 3 times",))  # what the cluster's API says of canary pods
    judgement = judge(state, evidence, analysis)         # pure; `judgement.state` is what the next call starts from
    judgement.verdict                                    # Verdict.PASS | FAIL | INCONCLUSIVE
    judgement.reasons                                    # tuple[str]: the sentences that led there, the decisive first
    judgement.more_requests, judgement.seconds           # for INCONCLUSIVE: about what is missing, or None
    judgement.text(), judgement.to_json()                # for people (lines), and `mcci.judgement/1`
    state.to_json(), State.from_json(data)               # JSON values `mcci.judge/1`; BadState (exit 2)

`metrics` maps each cluster to a `Metrics` (`mcci.clients.prometheus.open_all({cluster: url})` makes them), `target` is
a `Target(service=…, namespace=…, canary="v1a2b…", stable="v9c8d…", weight=10)`, `analysis` the configuration's
`canary.analysis`. `judge` draws no randomness and reads no clock. A look that was judged is never judged again: its
time is in the state, so a job that was killed between judging and writing the state repeats the same judgement.

Recorded series: `mcci.canary.judge.replay.replay(data, file=name, analysis=analysis) -> tuple[Judgement, ...]`, one a
look, in order; `InvalidInput` (exit 2, with positions) for what cannot be read. The format is in `recording.py`, whose
`record(looks, weight=…)` makes such a file from `evidence.looks`.
"""

from __future__ import annotations

from mcci.canary.judge.decide import judge
from mcci.canary.judge.model import Counts, Evidence, Judgement, Look, Metrics, Target, Verdict
from mcci.canary.judge.observe import observe
from mcci.canary.judge.state import BadState, State

__all__ = [
    "BadState",
    "Counts",
    "Evidence",
    "Judgement",
    "Look",
    "Metrics",
    "State",
    "Target",
    "Verdict",
    "judge",
    "observe",
]
