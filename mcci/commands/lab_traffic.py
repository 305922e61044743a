"""`mcci lab traffic`: the split of every service's requests as it is on the wire."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.commands.lab_options import folder_of, model_of, state_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.lab.flows import Flow, Reading, Traffic
    from mcci.lab.load.model import Seen
    from mcci.lab.plan import Folder

HEADINGS = ("caller in", "version", "weight", "share", "requests/s", "failed", "answered in")
RIGHT = (False, False, True, True, True, True, False)


@click.command("traffic")
@click.argument("service", required=False, default="")
@click.option(
    "--seconds", type=click.FloatRange(min=0.5, max=3600), default=3.0, show_default=True,
    help="Over how long requests are counted.",
)  # fmt: skip
@click.option("--watch", is_flag=True, help="Stay, and show what changes.")
@state_option
@config_option
@format_option("text", "json")
def command(service: str, seconds: float, watch: bool, state: Path | None, config: Path, format_: str) -> int:
    """Count the requests to SERVICE, or to all, by the caller's cluster and by version: the split on the wire.

    The counts are Envoy's own, of the next seconds; `weight` is what that Envoy routes by. A request has failed where
    its caller got a 5xx. Exit code 1 where the lab is not up, or an Envoy does not answer.
    """
    if watch and format_ == "json":
        raise UsageError("--watch draws for people: leave it out, or --format json.")
    found = Looked.at(folder_of(state, model_of(config)))
    if found is None:
        output.log("the lab is not up: `mcci lab up` starts it.")
        return ExitCode.NO
    if watch:
        return _live(found, service, seconds)
    before = found.read()
    time.sleep(seconds)
    after = found.read()
    traffic = found.between(before, after, service)
    if format_ == "json":
        output.json_document("lab-traffic", 1, _body(traffic, after, found.loads()))
    else:
        for line in lines(traffic, after, found.loads()):
            output.text(line)
    return ExitCode.NO if after.problems else ExitCode.DONE


class Looked:
    """A lab that runs, and its Envoys."""

    def __init__(self, folder: Folder, mesh: dict[str, Any]) -> None:
        plan = folder.read_plan()
        assert plan
        self._folder, self._plan = folder, plan
        self._proxies = {name: each["proxy"] for name, each in mesh.items()}
        self._meshes = {name: each["mesh"] for name, each in mesh.items()}

    @classmethod
    def at(cls, folder: Folder) -> Looked | None:
        """Return the lab of a folder; None where it is not up. Raises `UsageError` where it has no mesh."""
        from mcci.lab import control

        found = control.status(folder)
        if found is None or not found.alive or not found.ready:
            return None
        if not found.parts.get("mesh"):
            raise UsageError(
                "this lab has no mesh that requests go through: leave --pods fake out, and install mcci[lab]."
            )
        return cls(folder, found.parts["mesh"])

    def read(self) -> Reading:
        """Ask every Envoy."""
        from mcci.lab import flows

        return flows.read(self._proxies, self._plan)

    def between(self, before: Reading, after: Reading, service: str) -> tuple[Traffic, ...]:
        """Return the traffic between two readings. Raises `UsageError` where no cluster has the service."""
        from mcci.lab import flows

        found = flows.between(before, after, self._meshes, service)
        if service and not found and not after.problems:
            known = sorted({target.service for look in after.looks.values() for target in look.counts})
            raise UsageError(f"no cluster of the lab has a service {service}; there are {', '.join(known) or 'none'}.")
        return found

    def loads(self) -> Sequence[Seen]:
        """Return what the load's sender has seen."""
        from mcci.lab.load import model

        return model.seen(self._folder)


def lines(traffic: Sequence[Traffic], reading: Reading, loads: Sequence[Seen]) -> list[str]:
    """Return the report as lines for people."""
    found: list[str] = []
    for each in traffic:
        found += [headline(each), *_columns([HEADINGS, *map(tuple, rows(each))]), ""]
    if not traffic and not reading.problems:
        found += ["no service of the lab's meshes had a request.", ""]
    found += [f"load on {each.line}" for each in loads]
    found += [output.bad(problem) for problem in reading.problems.values()]
    return found if not found or found[-1] else found[:-1]


def headline(found: Traffic) -> str:
    """Return what is said of a service above its table."""
    failed = f"{found.failed} failed" if found.failed else "none failed"
    rate = found.rate(found.requests)
    return f"{found.service} in {found.mesh}: {rate:.1f} requests/s over {found.seconds:.1f} s, {failed}"


def rows(found: Traffic) -> list[list[str]]:
    """Return a service's table, a row a caller's cluster and version."""
    return [_row(found, each) for each in found.flows]


def _row(found: Traffic, flow: Flow) -> list[str]:
    share = found.share(flow)
    return [
        flow.cluster,
        flow.version or "any",
        "-" if flow.weight is None else str(flow.weight),
        "-" if share is None else f"{100 * share:.1f} %",
        f"{found.rate(flow.requests):.1f}",
        str(flow.failed),
        ", ".join(flow.answered_in) or "no pod",
    ]


def _columns(table: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, RIGHT, strict=True)
        ).rstrip()
        for row in table
    ]


def _body(traffic: Sequence[Traffic], reading: Reading, loads: Sequence[Seen]) -> dict[str, Any]:
    return {
        "services": [
            {
                "service": each.service, "namespace": each.namespace, "mesh": each.mesh,
                "seconds": round(each.seconds, 3), "requests": each.requests, "failed": each.failed,
                "rate": round(each.rate(each.requests), 3), "splits": [_split(each, flow) for flow in each.flows],
            }
            for each in traffic
        ],
        "load": [each.body for each in loads],
        "problems": dict(reading.problems),
    }  # fmt: skip


def _split(found: Traffic, flow: Flow) -> dict[str, Any]:
    share = found.share(flow)
    return {
        "cluster": flow.cluster, "version": flow.version, "weight": flow.weight, "requests": flow.requests,
        "share": None if share is None else round(share, 4), "rate": round(found.rate(flow.requests), 3),
        "failed": flow.failed, "answered_in": list(flow.answered_in),
    }  # fmt: skip


def _live(found: Looked, service: str, seconds: float) -> int:
    """Show the last `seconds` of traffic until it is interrupted."""
    from mcci.commands.lab_live import live

    return live(found.read, lambda before, after: found.between(before, after, service), found.loads, seconds)
