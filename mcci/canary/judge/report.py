"""A judgement in lines for people, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.canary.judge import words
from mcci.canary.judge.latencies import percentile

if TYPE_CHECKING:
    from mcci.canary.judge.model import Counts, Judgement

SCHEMA = "mcci.judgement/1"


def lines(judgement: Judgement) -> tuple[str, ...]:
    """Return the verdict and its first reason, then the others, then what is missing."""
    first, *others = judgement.reasons
    need = words.need(judgement.more_requests, judgement.seconds)
    return (f"{judgement.verdict.value}: {first}", *others, *([need] if need else []))


def document(judgement: Judgement) -> dict[str, Any]:
    """Return the judgement as JSON values, schema `mcci.judgement/1`; durations are in seconds or milliseconds."""
    return {
        "schema": SCHEMA,
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "evidence": _rounded(judgement.evidence),
        "decides_at": _rounded(judgement.decides_at),
        "tests": [
            {
                "test": score.test,
                "evidence": _rounded(score.evidence),
                "share": round(score.share, 6),
                "decides_at": _rounded(score.decides_at),
            }
            for score in judgement.scores
        ],
        "canary": _version(judgement.canary),
        "stable": _version(judgement.stable),
        "clusters": {
            cluster: {"canary": _version(seen.canary), "stable": _version(seen.stable), "seconds": seen.seconds}
            for cluster, seen in judgement.state.step.items()
        },
        "need": {"requests": judgement.more_requests, "seconds": _rounded(judgement.seconds)},
    }


def _version(counts: Counts) -> dict[str, Any]:
    slowest = percentile(counts, 0.95)
    return {
        "requests": counts.requests,
        "errors": counts.errors,
        "p95_ms": None if slowest is None or slowest == float("inf") else round(slowest, 3),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
