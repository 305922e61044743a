"""Small cases in which other judges were found wrong, and what mcci's judge says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bench.judging.peers import is_high
from mcci.canary.judge import Counts, Evidence, Judgement, Look, State, judge
from mcci.config.canary import Analysis

# https://github.com/spinnaker/spinnaker/issues/6278
POINTS_6278 = (100.0,) * 7 + (1.0,) * 3
# https://github.com/spinnaker/kayenta/issues/426
POINTS_426 = (0, 1, 2, 1, 0, 0)


def points(canary: list[Counts], stable: list[Counts], analysis: Analysis) -> Judgement:
    """Judge one point after the other, a minute apart, until the canary fails or the points end."""
    state = State.start(at=0.0)
    judgement = judge(state, Evidence(), analysis)
    for minute, (own, other) in enumerate(zip(canary, stable, strict=True)):
        look = Look(cluster="one", start=60.0 * minute, end=60.0 * minute + 60, canary=own, stable=other)
        judgement = judge(state, Evidence(looks=(look,), until={"one": look.end}, weight=10), analysis)
        state = judgement.state
        if judgement.verdict.value == "fail":
            break
    return judgement


def all_cases() -> dict[str, dict[str, Any]]:
    """Return each case's verdict, and whether it is the right one."""
    analysis = Analysis()
    own, flat = np.array([POINTS_6278]), np.ones((1, 10))
    errors = [Counts(requests=100, errors=round(point)) for point in POINTS_6278]
    counts = points(errors, [Counts(requests=900, errors=9)] * 10, analysis)
    asked = replace(analysis, queries={"errors": "…"})
    query = judge(State.start(at=0.0), Evidence(answers={"errors": POINTS_6278[0] - analysis.max_error_rate}), asked)
    sparse = points(
        [Counts(requests=20, errors=errors) for errors in POINTS_426],
        [Counts(requests=180)] * len(POINTS_426),
        analysis,
    )
    little = points([Counts(requests=3, errors=0)], [Counts(requests=27)], analysis)
    bad_luck = points([Counts(requests=3, errors=1)], [Counts(requests=27)], analysis)
    nothing = points([Counts()], [Counts()], analysis)
    dense = (np.array([POINTS_426], float), np.zeros((1, 6)))
    return {
        "seven of ten points at 100 against a flat 1, as requests": _case(counts, "fail", is_high(own, flat)),
        "the same, as a query with a limit": _case(query, "fail", is_high(own, flat)),
        "sparse and plainly worse: 0 1 2 1 0 0 errors against none": _case(sparse, "fail", is_high(*dense)),
        "almost no data: 3 requests": _case(little, "inconclusive"),
        "almost no data: 1 of 3 requests failed": _case(bad_luck, "inconclusive"),
        "no data": _case(nothing, "inconclusive"),
    }


def _case(judgement: Judgement, wanted: str, kayenta: Any = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "verdict": judgement.verdict.value,
        "as_wanted": judgement.verdict.value == wanted,
        "canary_requests": judgement.canary.requests,
        "says": judgement.text(),
    }
    return told if kayenta is None else {**told, "kayenta": "High" if kayenta[0] else "Pass"}
