"""A canary's numbers as OpenMetrics text, which GitLab's metrics report compares from pipeline to pipeline.

Source: https://docs.gitlab.com/ci/testing/metrics_reports/ ; https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcci.canary.state import State


def report(state: State, evidence: Mapping[str, Any], skew: float | None) -> str:
    """Return the weights, the skew, and what the judge counted of each version, one number a line."""
    return "".join(f"{line}\n" for line in _lines(state, evidence, skew)) + "# EOF\n"


def _lines(state: State, evidence: Mapping[str, Any], skew: float | None) -> Iterator[str]:
    service = _label(state.service)
    for version, weight in state.weights.items():
        yield f'mcci_canary_weight_percent{{service="{service}",track="{_track(state, version)}"}} {weight}'
    if skew is not None:
        yield f'mcci_canary_skew_seconds{{service="{service}"}} {skew:.3f}'
    for track in ("canary", "stable"):
        counts = evidence.get(track) or {}
        requests, errors, slow = counts.get("requests"), counts.get("errors"), counts.get("p95_ms")
        labels = f'{{service="{service}",track="{track}"}}'
        if requests is not None:
            yield f"mcci_canary_requests{labels} {requests}"
        if requests and errors is not None:
            yield f"mcci_canary_error_percent{labels} {100 * errors / requests:.4f}"
        if slow is not None:
            yield f"mcci_canary_latency_p95_milliseconds{labels} {slow}"


def _track(state: State, version: str) -> str:
    return "stable" if version == state.stable else "canary" if version == state.canary else "previous"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
