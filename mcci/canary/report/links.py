"""Links on a job's page, as GitLab's annotations report: the verdict, the chart, and each cluster's Prometheus.

Source: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsannotations
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.canary.state import State

NAME = "Canary"


def report(
    state: State, verdict: str, job_url: str, prometheus: Mapping[str, str], namespace: str, files: Mapping[str, str]
) -> str:
    """Return the report: `files` are the job's artifacts by what they show, `prometheus` the clusters' URLs."""
    weight = state.weights.get(state.canary or state.stable, 0)
    said = f", {verdict}" if verdict else ""
    label = f"{state.service}: {state.canary or state.stable} at {weight} %{said}"
    links = []
    if job_url:
        links += [_link(f"{label} ({what})", f"{job_url}/artifacts/file/{quote(path)}") for what, path in files.items()]
    for cluster, url in prometheus.items():
        query = (
            "sum by (destination_version, response_code) (rate(istio_requests_total{"
            f'destination_service_name="{state.service}",destination_service_namespace="{namespace}"}}[1m]))'
        )
        links.append(_link(f"requests in {cluster}", f"{url.rstrip('/')}/graph?g0.expr={quote(query)}&g0.tab=0"))
    return json.dumps({NAME: links}, indent=2) + "\n"


def _link(label: str, url: str) -> dict[str, dict[str, str]]:
    return {"external_link": {"label": label, "url": url}}
