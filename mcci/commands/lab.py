"""`mcci lab`: local clusters, to deliver to without a cloud."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.config.choices import NetworkMode
    from mcci.config.model import Config
    from mcci.lab.control import Status
    from mcci.lab.plan import Folder

Decorated = TypeVar("Decorated", bound="Callable[..., object]")


def _state_option(function: Decorated) -> Decorated:
    return click.option(
        "--state", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path), envvar="MCCI_LAB_STATE",
        show_envvar=True, help="Where the lab keeps its state; by default a folder of the user's, one an application.",
    )(function)  # fmt: skip


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
@_state_option
@config_option
@format_option("text", "json", "env")
def up(names: tuple[str, ...], pods: str, joined: bool, state: Path | None, config: Path, format_: str) -> int:
    """Start the clusters of mcci.yml, or CLUSTER… of them; without an mcci.yml stage-aws, prod-aws and prod-azure.

    What was deployed to them before is there again. Ends when all answer, and leaves them running; the variables that
    it prints are what `mcci deploy` and others find them by: eval "$(mcci lab up --format env)".
    """
    from mcci.clients import charts
    from mcci.lab import control, meshes
    from mcci.lab.network import requirements
    from mcci.lab.plan import Plan, Pods

    model = _model(config)
    folder = _folder(state, model)
    running = control.status(folder)
    if names and running and running.alive and set(names) <= set(running.parts.get("clusters", {})):
        for name in names:
            control.power(folder, name, on=True)
        _show(running, format_)
        return ExitCode.DONE
    definitions = charts.definitions()
    clusters = _clusters(model, names)
    plan = Plan(
        clusters=clusters, pods=Pods(pods), definitions=str(definitions), meshes=meshes.of(model, clusters),
        vpn=_mode(model) if joined else None,
    )  # fmt: skip
    if joined:
        requirements.check(plan)
    found = control.up(plan, folder, os.environ, output.log)
    _show(found, format_)
    return ExitCode.DONE


@command.command("status")
@_state_option
@config_option
@format_option("text", "json", "env")
def status(state: Path | None, config: Path, format_: str) -> int:
    """Say which clusters run, and how they are reached; exit code 1 where none do."""
    from mcci.lab import control

    folder = _folder(state, _model(config))
    found = control.status(folder)
    if found is None or not found.alive:
        if format_ == "json":
            output.json_document("lab", 1, {"up": False, "clusters": []})
        dead = (
            f"its process {found.pid} was killed; `mcci lab up` starts it again" if found else "`mcci lab up` starts it"
        )
        output.log(f"the lab is not up: {dead}.")
        return ExitCode.NO
    _show(found, format_)
    return ExitCode.DONE if found.ready else ExitCode.NO


@command.command("down")
@click.argument("names", metavar="[CLUSTER]…", nargs=-1)
@click.option("--delete", is_flag=True, help="Forget what was deployed to the clusters, too.")
@_state_option
@config_option
def down(names: tuple[str, ...], delete: bool, state: Path | None, config: Path) -> int:
    """Stop the clusters and every pod in them. What was deployed to them is there again at the next `up`.

    With CLUSTER… only those are switched off, as a cloud that is lost, and the lab goes on without them.
    """
    from mcci.lab import control

    if names:
        if delete:
            raise UsageError("--delete forgets the whole lab: leave the clusters' names out.")
        for name in names:
            control.power(_folder(state, _model(config)), name, on=False)
            output.log(f"{name} is off.")
        return ExitCode.DONE
    there = control.down(_folder(state, _model(config)), delete=delete)
    output.log("the lab is down." if there else "the lab was not up.")
    return ExitCode.DONE


def _model(config: Path) -> Config | None:
    """Return the configuration; None where there is none, and none was named."""
    from mcci.clients import repository

    if not config.exists() and config == Path("mcci.yml"):
        return None
    return repository.load_config(config)


def _folder(state: Path | None, model: Config | None) -> Folder:
    from mcci.lab.plan import Folder, default_folder

    return Folder(path=(state or default_folder(model.application if model else "", os.environ)).absolute())


def _clusters(model: Config | None, names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the clusters to run, each with its variable. Raises `UsageError`."""
    from mcci.lab.plan import DEFAULT, MOST

    known = dict(DEFAULT)
    if model and model.clusters:
        known = {name: _variable(name, each.kubeconfig_variable) for name, each in model.clusters.items()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"there is no cluster '{unknown[0]}'; there are {', '.join(known)}.")
    chosen = {name: known[name] for name in names or known}
    if len(chosen) > MOST:
        raise UsageError(f"a lab has at most {MOST} clusters, and these are {len(chosen)}: name those to run.")
    return chosen


def _mode(model: Config | None) -> NetworkMode:
    """Return how the lab's network joins sites: as mcci.yml's does."""
    from mcci.config.choices import NetworkMode

    return model.network.mode if model else NetworkMode.FULL_MESH


def _variable(name: str, declared: str) -> str:
    return declared or f"KUBECONFIG_{name.upper().replace('-', '_')}"


def _show(found: Status, format_: str) -> None:
    clusters: Mapping[str, Any] = found.parts.get("clusters", {})
    if format_ == "json":
        listed = [{"name": name, **facts} for name, facts in clusters.items()]
        registry = found.parts.get("registry", {}).get("host", "")
        output.json_document(
            "lab",
            1,
            {"up": found.ready, "pid": found.pid, "since": found.since, "clusters": listed, "registry": registry},
        )
        return
    if format_ == "text":
        width = max(map(len, clusters), default=0)
        for name, facts in clusters.items():
            output.text(
                f"{output.good('up')}  {name:{width}}  {facts['url']}  pods {facts['pods']}, {facts['addresses']}"
            )
        if network := found.parts.get("network"):
            output.text(f"{', '.join(network['sites'])} are joined by OpenVPN ({network['mode']})")
        output.text()
    for name, value in found.exports.items():
        output.text(f"export {name}={shlex.quote(value)}")
