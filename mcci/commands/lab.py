"""`mcci lab`: local clusters, to deliver to without a cloud."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.commands.lab_options import clusters_of, folder_of, model_of, state_option
from mcci.commands.lab_report import show
from mcci.commands.lab_traffic import command as traffic_command
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.config.choices import NetworkMode
    from mcci.config.model import Config
    from mcci.lab.load.model import Wanted
    from mcci.lab.plan import Folder, Plan


@click.group("lab")
def command() -> None:
    """Run local clusters: the Kubernetes API from Python, with pods that are real. A test double, and no cluster."""


@command.command("up")
@click.argument("names", metavar="[CLUSTER]…", nargs=-1)
@click.option(
    "--pods", type=click.Choice(("real", "processes", "fake")), default="real", show_default=True,
    help="What pods are: containers (without an engine: processes), always processes, or only words.",
)  # fmt: skip
@click.option(
    "--network", "joined", is_flag=True,
    help="Join the clusters of an environment by OpenVPN, each a site of its own (Debian, root).",
)  # fmt: skip
@click.option(
    "--load", "loads", metavar="SERVICE[@CLUSTER][/PATH]=RATE", multiple=True,
    help="Send requests to a service from now on, RATE a second (0: stop); also to a lab that runs. Repeatable.",
)  # fmt: skip
@state_option
@config_option
@format_option("text", "json", "env")
def up(
    names: tuple[str, ...],
    pods: str,
    joined: bool,
    loads: tuple[str, ...],
    state: Path | None,
    config: Path,
    format_: str,
) -> int:
    """Start the clusters of mcci.yml, or CLUSTER… of them; without an mcci.yml stage-aws, prod-aws and prod-azure.

    What was deployed to them before is there again. Ends when all answer, and leaves them running; the variables that
    it prints are what `mcci deploy` and others find them by: eval "$(mcci lab up --format env)".
    """
    from mcci.clients import charts
    from mcci.lab import control, meshes
    from mcci.lab.network import requirements
    from mcci.lab.plan import Plan, Pods

    model = model_of(config)
    folder = folder_of(state, model)
    running = control.status(folder)
    kept = folder.read_plan()
    if running and running.alive and kept and (set(names) <= set(kept.clusters)) and (names or loads):
        _load(loads, model, kept, folder)
        for name in names:
            control.power(folder, name, on=True)
        show(running, folder, format_)
        return ExitCode.DONE
    definitions = charts.definitions()
    clusters = clusters_of(model, names)
    plan = Plan(
        clusters=clusters, pods=Pods(pods), definitions=str(definitions), meshes=meshes.of(model, clusters),
        vpn=_mode(model) if joined else None,
    )  # fmt: skip
    _parsed(loads, model, plan)
    if joined:
        requirements.check(plan)
    found = control.up(plan, folder, os.environ, output.log)
    _load(loads, model, plan, folder)
    show(found, folder, format_)
    return ExitCode.DONE


@command.command("status")
@state_option
@config_option
@format_option("text", "json", "env")
def status(state: Path | None, config: Path, format_: str) -> int:
    """Say which clusters run, and how they are reached, what has died and load; exit code 1 where no lab runs."""
    from mcci.lab import control

    folder = folder_of(state, model_of(config))
    found = control.status(folder)
    if found is None or not found.alive:
        if format_ == "json":
            output.json_document("lab", 1, {"up": False, "clusters": []})
        dead = (
            f"its process {found.pid} was killed; `mcci lab up` starts it again" if found else "`mcci lab up` starts it"
        )
        output.log(f"the lab is not up: {dead}.")
        return ExitCode.NO
    show(found, folder, format_)
    return ExitCode.DONE if found.ready else ExitCode.NO


command.add_command(traffic_command)


@command.command("down")
@click.argument("names", metavar="[CLUSTER]…", nargs=-1)
@click.option("--delete", is_flag=True, help="Forget what was deployed to the clusters, too.")
@state_option
@config_option
def down(names: tuple[str, ...], delete: bool, state: Path | None, config: Path) -> int:
    """Stop the clusters and every pod in them. What was deployed to them is there again at the next `up`.

    With CLUSTER… only those are switched off, as a cloud that is lost, and the lab goes on without them.
    """
    from mcci.lab import control

    folder = folder_of(state, model_of(config))
    if names:
        if delete:
            raise UsageError("--delete forgets the whole lab: leave the clusters' names out.")
        for name in names:
            control.power(folder, name, on=False)
            output.log(f"{name} is off.")
        return ExitCode.DONE
    there = control.down(folder, delete=delete)
    output.log("the lab is down." if there else "the lab was not up.")
    return ExitCode.DONE


def _load(loads: tuple[str, ...], model: Config | None, plan: Plan, folder: Folder) -> None:
    """Have the loads that were asked for. Raises `UsageError`."""
    from mcci.lab.load.model import want

    if loads:
        want(folder, _parsed(loads, model, plan))


def _parsed(loads: tuple[str, ...], model: Config | None, plan: Plan) -> tuple[Wanted, ...]:
    from mcci.lab import meshes
    from mcci.lab.load.model import parse

    if loads and not plan.routed:
        raise UsageError("--load needs pods that answer: leave --pods fake out.")
    default = meshes.callers(model, plan)
    return tuple(parse(each, plan.clusters, default) for each in loads)


def _mode(model: Config | None) -> NetworkMode:
    """Return how the lab's network joins sites: as mcci.yml's does."""
    from mcci.config.choices import NetworkMode

    return model.network.mode if model else NetworkMode.FULL_MESH
