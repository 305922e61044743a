"""What the clusters' Prometheuses know since the last judgement. Their faults become problems, never a pass."""

from __future__ import annotations

from math import isnan, nan
from string import Template
from typing import TYPE_CHECKING

from mcci.canary.judge import istio
from mcci.canary.judge.counters import LEAD, scrape_interval, spans
from mcci.canary.judge.model import Evidence, Look
from mcci.clients.prometheus import Series
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcci.canary.judge.model import Metrics, Target
    from mcci.canary.judge.state import State
    from mcci.config.canary import Analysis

STALE = 90.0  # seconds that the newest sample may be old, or six scrapes
HISTORY = 900.0  # seconds before the canary, in which stable's pods are watched
_TOGETHER = " + "


def observe(
    metrics: Mapping[str, Metrics], target: Target, state: State, analysis: Analysis, *, now: float
) -> Evidence:
    """Return what is new since the state's last look: requests of both versions, and the queries' answers."""
    problems: list[str] = []
    series: dict[str, list[Series]] = {}
    for cluster, source in metrics.items():
        found = _series(cluster, source, target, state, now, problems)
        if found is not None and list(metrics.values()).count(source) > 1:
            found = [one for one in found if istio.is_in(one, cluster)]
        if found is not None:
            series[cluster] = found
    if not metrics:
        problems.append("no cluster has a Prometheus: set 'prometheus' of one in the configuration")
    answers = dict(_answers(metrics, target, analysis, now, problems))
    groups = list(_groups(series, target, state))
    looks = tuple(look for group, since in groups for look in _looks(group, since, target, now))
    history = () if state.shares else tuple(_history(groups, target))
    if series and not any(series.values()):
        problems.append(
            f"Prometheus knows no requests to {target.service} in {target.namespace} of version {target.canary} "
            f"or {target.stable}: is the service in the mesh, and does it get traffic?"
        )
    until = {cluster: state.since(cluster) for cluster in metrics}
    for look in looks:
        for cluster in (look.cluster, *look.cluster.split(_TOGETHER)):
            until[cluster] = max(until.get(cluster, 0.0), look.end)
    return Evidence(
        looks=looks,
        history=history,
        answers=answers,
        problems=tuple(problems),
        weight=target.weight,
        until=until,
    )


def _series(
    cluster: str, source: Metrics, target: Target, state: State, now: float, problems: list[str]
) -> list[Series] | None:
    start = min(state.since(cluster), now) - LEAD - (0.0 if state.shares else HISTORY)
    try:
        found = [one for query in istio.selectors(target) for one in source.samples(query, start=start, end=now)]
    except McciError as problem:
        problems.append(f"{cluster}: {problem}")
        return None
    newest = max((one.samples[-1][0] for one in found if one.samples), default=now)
    if now - newest > max(STALE, 6 * scrape_interval(found)):
        problems.append(f"{cluster}: the newest sample in its Prometheus is {now - newest:.0f} s old")
    return found


def _groups(
    series: Mapping[str, list[Series]], target: Target, state: State
) -> Iterator[tuple[dict[str, list[Series]], float]]:
    """The clusters that are looked at together: each alone, but those that know one version only in one group."""
    versions = {
        cluster: {one.labels.get("destination_version") for one in istio.chosen(found)}
        for cluster, found in series.items()
    }
    halves = {cluster: series[cluster] for cluster, known in versions.items() if len(known) == 1}
    if {version for cluster in halves for version in versions[cluster]} != {target.canary, target.stable}:
        halves = {}
    for cluster, found in series.items():
        if found and cluster not in halves:
            yield {cluster: found}, state.since(cluster)
    if halves:
        yield halves, max(state.since(name) for name in (*halves, _TOGETHER.join(sorted(halves))))


def _looks(group: Mapping[str, list[Series]], since: float, target: Target, now: float) -> Iterator[Look]:
    believed: list[Series] = []
    others: list[Series] = []  # only to see how stable's own pods differ
    for cluster, found in group.items():
        own = istio.chosen(found)
        believed += [_of(one, cluster) for one in own]
        if own[0].labels.get("reporter") != "destination":
            others += [_of(one, cluster) for one in found if one.labels.get("reporter") == "destination"]
    for span in spans([*believed, *others], since=since, now=now):
        both = istio.read(believed, span.counted[: len(believed)], target)
        pods = istio.read(others, span.counted[len(believed) :], target).pods or both.pods
        yield Look(
            cluster=_TOGETHER.join(sorted(group)),
            start=span.start,
            end=span.end,
            canary=both.canary,
            stable=both.stable,
            pods=pods,
        )


def _history(groups: Sequence[tuple[Mapping[str, list[Series]], float]], target: Target) -> Iterator[Look]:
    for group, since in groups:
        yield from _looks(group, since - HISTORY, target, since)


def _of(series: Series, cluster: str) -> Series:
    labels = {**series.labels, "instance": f"{cluster}/{series.labels.get('instance', '')}"}
    return Series(labels=labels, samples=series.samples)


def _answers(
    metrics: Mapping[str, Metrics], target: Target, analysis: Analysis, now: float, problems: list[str]
) -> Iterator[tuple[str, float]]:
    names = {
        "service": target.service,
        "namespace": target.namespace,
        "canary": target.canary,
        "stable": target.stable,
    }
    listed = list(metrics.values())
    sources = [pair for index, pair in enumerate(metrics.items()) if pair[1] not in listed[:index]]
    for name, text in analysis.queries.items():
        values = []
        before = len(problems)
        for cluster, source in sources:
            try:
                values.append(source.number(Template(text).safe_substitute(names), at=now))
            except McciError as problem:
                problems.append(f"{cluster}: the query '{name}': {problem}")
        known = [value for value in values if value is not None]
        if known:
            yield name, max((value for value in known if not isnan(value)), default=nan)
        elif len(problems) == before:
            problems.append(f"the query '{name}' gives no series in any cluster")
