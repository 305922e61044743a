"""`mcci clusters`: the clusters that the application is delivered to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.commands import clusters_create, clusters_import, clusters_rancher
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mcci.clusters.status import Report, Row
    from mcci.config.model import Config


@click.group("clusters")
def command() -> None:
    """Bring clusters in, have Rancher make them, and see how they are.

    What is done with Rancher is tested with a fake of its calls, made after its sources; it has never run against a
    real Rancher.
    """


command.add_command(clusters_import.command)
command.add_command(clusters_create.command)


@command.command("status")
@click.option("--environment", metavar="E", help="The clusters of this environment alone (default: all).")
@click.option(
    "--timeout", type=click.FloatRange(1, 600), default=15, show_default=True, help="Seconds that a cluster is given."
)
@config_option
@format_option()
def status(environment: str | None, timeout: float, config: Path, format_: str) -> int:
    """Show every cluster: whether it answers, its version, nodes and ranges, and its state in Rancher.

    Ends with 1 where a cluster is away, a node or Rancher's agent is not ready, a cluster is not as mcci.yml declares
    it, or the ranges of two clusters of one environment overlap. Nothing is changed.
    """
    from mcci import output
    from mcci.clients import repository
    from mcci.clusters import ranges
    from mcci.clusters import status as statuses

    model = repository.load_config(config)
    names = _names(model, environment)
    with clusters_rancher.asked(model, config.parent, os.environ, timeout) as (rancher, problem):
        found = statuses.look(model, names, os.environ, root=config.parent, deadline=timeout, rancher=rancher)
    if problem:
        clash = ranges.Clash(clusters=(), message=problem, help="")
        found = replace(found, problems=(clash, *found.problems))
    if format_ == "json":
        output.json_document("clusters-status", 1, _document(found))
    else:
        _show(found)
    return ExitCode.NO if found.problems else ExitCode.DONE


def _names(model: Config, environment: str | None) -> tuple[str, ...]:
    if environment is None:
        if not model.clusters:
            raise UsageError("mcci.yml has no 'clusters': there is nothing to look at.")
        return tuple(model.clusters)
    if environment not in model.environments:
        known = ", ".join(model.environments) or "none"
        raise UsageError(f"mcci.yml has no environment '{environment}'. It has {known}.")
    return tuple(dict.fromkeys(model.environments[environment].all_clusters))


def _document(report: Report) -> dict[str, Any]:
    return {
        "good": not report.problems,
        "clusters": [_row(each) for each in report.rows],
        "findings": [
            {"clusters": list(each.clusters), "finding": each.message, "advice": each.help} for each in report.problems
        ],
        "notes": list(report.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    nodes, rancher, ranges = row.seen.nodes if row.seen else None, row.rancher, row.ranges
    return {
        "name": row.cluster.name,
        "cloud": row.cluster.cloud.value,
        "region": row.cluster.region,
        "environments": list(row.environments),
        "server": row.server,
        "reachable": row.seen is not None,
        "version": row.seen.version if row.seen else "",
        "nodes": {"total": nodes.total, "ready": nodes.ready, "not_ready": list(nodes.not_ready)} if nodes else None,
        "pods": {"declared": str(ranges.pods or ""), "reported": [str(each) for each in ranges.reported.pods]},
        "services": {
            "declared": str(ranges.services or ""), "reported": [str(each) for each in ranges.reported.services],
        },
        "rancher": {"id": rancher.id, "active": rancher.active, "state": str(rancher)} if rancher else None,
    }  # fmt: skip


def _show(report: Report) -> None:
    from mcci import output

    wide = max(7, *(len(each.cluster.name) for each in report.rows))
    output.heading(
        f"{'cluster':<{wide}}  {'answers':<8} {'version':<18} {'nodes':<7} {'pods':<18} {'Services':<18} Rancher"
    )
    for each in report.rows:
        nodes = each.seen.nodes if each.seen else None
        cells = (
            f"{'yes' if each.seen else 'no':<8}",
            f"{each.seen.version if each.seen else '–':<18}",
            f"{f'{nodes.ready}/{nodes.total}' if nodes else '–':<7}",
            f"{_range(each, 'pods'):<18}",
            f"{_range(each, 'Services'):<18}",
            ("active" if each.rancher.active else "not active") if each.rancher else "–",
        )
        output.text(f"{each.cluster.name:<{wide}}  {' '.join(cells)}")
    output.text()
    for note in report.notes:
        output.text(f"{output.notable('note')} {note}")
    for problem in report.problems:
        output.text(f"{output.bad('✗')} {problem.message}")
        if problem.help:
            output.text(f"  → {problem.help}")
    if not report.problems:
        count = len(report.rows)
        output.text(output.good(f"{count} {'cluster' if count == 1 else 'clusters'}, all well"))


def _range(row: Row, what: str) -> str:
    """Return the range that counts, in a cell: the declared one, or the first that the cluster reports."""
    said = row.ranges.pods if what == "pods" else row.ranges.services
    seen = row.ranges.reported.pods if what == "pods" else row.ranges.reported.services
    if said is not None:
        return str(said)
    return f"{seen[0]}{' …' if len(seen) > 1 else ''}" if seen else "–"
