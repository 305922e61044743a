"""Istio's standard metrics: which series a judgement needs, and what they say of the two versions.

Source: https://istio.io/latest/docs/reference/config/metrics/

The callers' proxies are believed first (`reporter="source"`): they see connections that failed and the network between
clouds, and all versions are seen by the same callers. Waypoints and the destinations' own proxies come after them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from mcci.canary.judge.model import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcci.canary.judge.model import Target
    from mcci.clients.prometheus import Series

REQUESTS = "istio_requests_total"
DURATIONS = "istio_request_duration_milliseconds_bucket"
CONNECTIONS = "istio_tcp_connections_closed_total"
REPORTERS = ("source", "waypoint", "destination")
# gRPC answers 200 and says in this label what happened; these are the server's failures
# Source: https://grpc.io/docs/guides/status-codes/
GRPC_FAILURES = frozenset({"2", "4", "12", "13", "14", "15"})


def selectors(target: Target) -> tuple[str, str]:
    """Return the PromQL selectors of requests (or TCP connections), and of durations."""
    versions = f"{target.canary}|{target.stable}" if target.stable else target.canary
    labels = {
        "destination_service_name=": target.service,
        "destination_service_namespace=": target.namespace,
        "destination_version=~": versions,
    }
    inner = ",".join(f"{label}{json.dumps(value)}" for label, value in labels.items())
    return f'{{__name__=~"{REQUESTS}|{CONNECTIONS}",{inner}}}', f"{DURATIONS}{{{inner}}}"


def chosen(series: Sequence[Series]) -> list[Series]:
    """Return the series of the one reporter that is believed, and of http alone where there is http."""
    for reporter in REPORTERS:
        own = [one for one in series if one.labels.get("reporter") == reporter]
        if own:
            break
    else:
        own = list(series)
    http = [one for one in own if one.labels.get("__name__") != CONNECTIONS]
    return http or own


def is_in(series: Series, cluster: str) -> bool:
    """Return whether a series of a Prometheus that watches several clusters was reported in `cluster`."""
    labels = series.labels
    reported = "destination_cluster" if labels.get("reporter") == "destination" else "source_cluster"
    return cluster in {labels.get("cluster"), labels.get(reported)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """What the two versions did, and each of the stable version's pods."""

    canary: Counts
    stable: Counts
    pods: tuple[Counts, ...]


def read(series: Sequence[Series], counted: Sequence[float], target: Target) -> Both:
    """Return what was counted in a span, one number for each series."""
    pods: dict[tuple[str, str, str], list[tuple[Mapping[str, str], float]]] = {}
    for one, count in zip(series, counted, strict=True):
        labels = one.labels
        pod = labels.get("pod", "") if labels.get("reporter") == "destination" else ""
        group = (labels.get("destination_version", ""), pod, labels.get("instance", "") if pod else "")
        pods.setdefault(group, []).append((labels, count))
    counts = {group: _counts(items) for group, items in sorted(pods.items())}
    return Both(
        canary=sum((own for (version, *_), own in counts.items() if version == target.canary), Counts()),
        stable=sum((own for (version, *_), own in counts.items() if version == target.stable), Counts()),
        pods=tuple(own for (version, pod, _), own in counts.items() if version == target.stable and pod),
    )


def _counts(items: Iterable[tuple[Mapping[str, str], float]]) -> Counts:
    requests = errors = 0
    histograms: dict[frozenset[tuple[str, str]], dict[float, int]] = {}
    for labels, count in items:
        if labels.get("__name__") == DURATIONS:
            bound = _bound(labels.get("le", ""))
            if bound is not None:
                own = histograms.setdefault(frozenset(_without_bound(labels)), {})
                own[bound] = own.get(bound, 0) + round(count)
            continue
        requests += round(count)
        errors += round(count) if failed(labels) else 0
    durations = sum((_durations(within) for within in histograms.values()), Counts())
    return Counts(requests=requests, errors=errors, timed=durations.timed, slower=durations.slower)


def failed(labels: Mapping[str, str]) -> bool:
    """Return whether the requests (or connections) of a series failed by the service's fault."""
    if labels.get("__name__") == CONNECTIONS:
        return labels.get("response_flags", "-") not in {"-", ""}
    if labels.get("request_protocol") == "grpc" and labels.get("grpc_response_status"):
        return labels["grpc_response_status"] in GRPC_FAILURES
    return labels.get("response_code", "").startswith("5")


def _without_bound(labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((label, value) for label, value in labels.items() if label != "le")


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _durations(within: Mapping[float, int]) -> Counts:
    timed = within.get(inf, 0)
    slower, floor = {}, timed
    for bound in sorted(within):
        if bound < inf:
            floor = min(floor, max(0, timed - within[bound]))
            slower[bound] = floor
    return Counts(timed=timed, slower=slower)
