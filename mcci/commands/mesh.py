"""`mcci mesh`: one Istio mesh over an environment's clusters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcci.cli import config_option, format_option
from mcci.commands.mesh_session import load, open_session, top
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

Decorated = TypeVar("Decorated", bound="Callable[..., object]")
CA_VARIABLE = "MCCI_MESH_CA"


def _environment_option(function: Decorated) -> Decorated:
    return click.option(
        "--environment", metavar="E", help="The environment whose clusters are the mesh (default: the only one)."
    )(function)


def _writing_options(function: Decorated) -> Decorated:
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would be applied, secrets masked, and change nothing."),
        click.option(
            "--wait", metavar="SECONDS", type=click.IntRange(min=0), default=60, show_default=True,
            help="How long to wait for another that holds the lock of a cluster.",
        ),
        click.option(
            "--timeout", metavar="SECONDS", type=click.IntRange(min=10), default=900, show_default=True,
            help="For all clusters together.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


@click.group("mesh")
def command() -> None:
    """Make one Istio mesh of an environment's clusters: install it, join the clusters, look whether it holds.

    `mesh: topology:` says whether one cluster's control plane serves all (primary-remote) or each has its own
    (multi-primary). Istio's own charts are installed with Helm.
    """


@command.command("install")
@_environment_option
@click.option(
    "--ca", "folder", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path), envvar=CA_VARIABLE,
    show_envvar=True, help="The folder, outside of the repository, with the mesh's root of trust; made if it is not.",
)  # fmt: skip
@click.option("--renew", metavar="CLUSTER", multiple=True, help="Give a cluster's control plane a new certificate.")
@_writing_options
@config_option
@format_option()
def install(
    environment: str | None, folder: Path | None, renew: tuple[str, ...], config: Path, format_: str, **options: Any
) -> int:
    """Install Istio in the clusters, with certificates of one root.

    Everything is looked at before anything is changed: rights, versions, address ranges, certificates. Run again, it
    changes nothing but certificates in the last third of their life; where it was interrupted, it goes on.
    """
    from mcci import output
    from mcci.clients import mesh_root
    from mcci.commands import mesh_output
    from mcci.mesh import install as installing

    model, where = load(config, environment)
    kept = mesh_root.find(folder, top(config), os.environ)
    with open_session(model, where, config.parent, options, installs=True) as session:
        unknown = sorted(set(renew) - {each.name for each in session.plan.primaries})
        if unknown:
            known = ", ".join(each.name for each in session.plan.primaries)
            raise UsageError(f"there is no control plane of the mesh in {', '.join(unknown)}: there is one in {known}.")
        ready = installing.prepare(session, kept, renew)
        for note in ready.notes:
            output.log(f"note: {note}")
        if options["dry_run"]:
            mesh_output.planned("install", session, installing.shown(session, ready), format_)
            return ExitCode.DONE
        done = installing.run(session, ready, kept, folder)
    mesh_output.installed(session, done, format_)
    return ExitCode.DONE


@command.command("join")
@_environment_option
@click.option("--rotate", is_flag=True, help="Give every remote secret a new token, whatever is left of the old.")
@_writing_options
@config_option
@format_option()
def join(environment: str | None, rotate: bool, config: Path, format_: str, **options: Any) -> int:
    """Let each control plane see the other clusters: remote secrets, with tokens that expire; federated services.

    A token in the last third of its life is replaced, so a schedule that runs this keeps the mesh joined. The secrets
    of clusters that have left the mesh are deleted.
    """
    from mcci import output
    from mcci.commands import mesh_output
    from mcci.mesh import join as joining

    model, where = load(config, environment)
    with open_session(model, where, config.parent, options, installs=False) as session:
        ready = joining.prepare(session, rotate=rotate)
        for note in ready.notes:
            output.log(f"note: {note}")
        if options["dry_run"]:
            mesh_output.planned("join", session, joining.shown(session, ready), format_)
            return ExitCode.DONE
        done = joining.run(session, ready)
    mesh_output.joined(session, done, format_)
    return ExitCode.DONE


@command.command("verify")
@_environment_option
@click.option("--request", "url", metavar="URL", help="What a pod in each cluster asks for, through its proxy.")
@click.option("--from", "sources", metavar="CLUSTER", multiple=True, help="Send requests from this cluster alone.")
@click.option("--no-request", is_flag=True, help="Send no request: make no pod in the clusters.")
@click.option(
    "--command", "program", metavar="COMMAND", default="",
    help="Run a command of your own for each cluster, with its KUBECONFIG and MCCI_CLUSTER; 0 is well.",
)  # fmt: skip
@config_option
@format_option()
def verify(
    environment: str | None, url: str | None, sources: tuple[str, ...], no_request: bool, program: str, config: Path,
    format_: str,
) -> int:  # fmt: skip
    """Check that the mesh holds: control planes, certificates, remote secrets, gateways, injection, proxies.

    Whether a control plane sees the others' endpoints is asked in its pod, by kubectl. A request across clusters is
    sent by a pod, from each cluster to a service that only others run, or to --request. What could not be found out is
    shown as unchecked. Ends with 1 where a check failed.
    """
    from mcci.commands import mesh_output
    from mcci.commands.mesh_session import open_places
    from mcci.mesh.plan import plan
    from mcci.mesh.verify import requests, run
    from mcci.mesh.verify.model import Status

    model, where = load(config, environment)
    made = plan(model, where)
    names = tuple(each.name for each in made.members)
    unknown = sorted(set(sources) - set(names))
    if unknown:
        raise UsageError(f"there is no cluster {', '.join(unknown)} in the mesh: it has {', '.join(names)}.")
    if url:
        asked = tuple(requests.Request(cluster=name, url=url) for name in names)
    else:
        asked = requests.derived(model, where, names)
    chosen = tuple(each for each in asked if not sources or each.cluster in sources)
    wish = run.Wish(
        namespaces=(model.namespace_of(where),), requests=() if no_request else chosen, command=program,
        image=model.mesh.probe_image, environment=os.environ, no_request=no_request,
    )  # fmt: skip
    with open_places(model, made, config.parent, None) as places:
        found = run.verify(made, places, wish)
    mesh_output.verified(made, found, format_)
    return ExitCode.NO if any(each.status is Status.FAILED for each in found) else ExitCode.DONE
