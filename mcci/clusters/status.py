"""Every cluster of mcci.yml at once: whether it answers, what it is, and what is wrong with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clusters import access, ranges, survey
from mcci.config.networks import network
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mcci.clusters.rancher.state import State
    from mcci.clusters.survey import Seen
    from mcci.config.model import Cluster, Config

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cluster. `seen` is None where it does not answer: `problem` says why.

    `rancher` is what Rancher says of it; None where there is no Rancher, or the cluster is not in it.
    """

    cluster: Cluster
    environments: tuple[str, ...]
    ranges: ranges.Ranges
    server: str = ""
    seen: Seen | None = None
    problem: str = ""
    rancher: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of them, what is wrong, and what could not be told."""

    rows: tuple[Row, ...]
    problems: tuple[ranges.Clash, ...]
    notes: tuple[str, ...] = ()


def declared(config: Config, cluster: Cluster, reported: ranges.Reported | None = None) -> ranges.Ranges:
    """Return a cluster's ranges as mcci.yml has them, beside what the cluster reports."""
    pods, services = map(network, config.ranges_of(cluster))
    return ranges.Ranges(
        name=cluster.name, pods=pods, services=services, reported=reported or ranges.Reported()
    )  # fmt: skip


def groups(config: Config) -> tuple[tuple[str, ...], ...]:
    """Return the clusters that are to be one mesh: those of each environment."""
    return tuple(each.all_clusters for each in config.environments.values())


def look(
    config: Config,
    names: Sequence[str],
    variables: Mapping[str, str],
    *,
    root: Path,
    deadline: float,
    rancher: Callable[[str], State | None] | None = None,
) -> Report:
    """Look at these clusters, each call given up after `deadline` seconds. Nothing is raised for one that is away."""

    def row(name: str) -> Row:
        return _row(config, config.clusters[name], variables, root, deadline, rancher)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="clusters") as pool:
        rows = tuple(pool.map(row, names))
    problems = [each for found in rows for each in _problems(found)]
    problems += ranges.clashes({found.cluster.name: found.ranges for found in rows}, groups(config))
    notes = [
        f"{found.cluster.name}: give its {' and '.join(found.ranges.unknown)}; without it, overlaps may go unseen"
        for found in rows
        if found.seen and found.ranges.unknown
    ]
    return Report(rows=rows, problems=tuple(problems), notes=tuple(notes))


def _row(
    config: Config,
    cluster: Cluster,
    variables: Mapping[str, str],
    root: Path,
    deadline: float,
    rancher: Callable[[str], State | None] | None,
) -> Row:
    seen, server, problem = None, "", ""
    try:
        with access.open_cluster(cluster, variables, root=root, deadline=deadline) as opened:
            server = opened.server
            seen = survey.look(opened.api)
    except McciError as error:
        problem = str(error)
    inside = tuple(each.name for each in config.environments.values() if cluster.name in each.all_clusters)
    return Row(
        cluster=cluster, environments=inside, ranges=declared(config, cluster, seen.ranges if seen else None),
        server=server, seen=seen, problem=problem, rancher=rancher(cluster.name) if rancher else None,
    )  # fmt: skip


def _problems(row: Row) -> Iterator[ranges.Clash]:
    name = row.cluster.name
    if row.problem:
        yield ranges.Clash(clusters=(name,), message=row.problem, help="")
    nodes = row.seen.nodes if row.seen else None
    if nodes is not None and nodes.not_ready:
        shown = ", ".join(nodes.not_ready[:5]) + (" and more" if len(nodes.not_ready) > 5 else "")
        message = f"{name}: {nodes.ready} of {nodes.total} nodes are ready; not {shown}."
        yield ranges.Clash(clusters=(name,), message=message, help="Look at them with `kubectl describe node`.")
    elif nodes is not None and not nodes.total:
        yield ranges.Clash(clusters=(name,), message=f"{name}: it has no node.", help="Register or make one.")
    if row.rancher and not row.rancher.active:
        message = f"{name}: in Rancher it is {row.rancher}."
        verb = "create" if row.rancher.made else "import"
        yield ranges.Clash(clusters=(name,), message=message, help=f"`mcci clusters {verb} {name}` goes on.")
