"""`mcci clusters create`: an RKE2 cluster, made by Rancher as mcci.yml describes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcci.cli import config_option, format_option
from mcci.commands import clusters_rancher as shared
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mcci.clients.rancher import Rancher
    from mcci.clusters.kubeconfigs import Place
    from mcci.clusters.rancher.state import State
    from mcci.config.model import Cluster, Config


@dataclass(frozen=True, slots=True, kw_only=True)
class _Create:
    """One run of the command."""

    model: Config
    root: Path
    cluster: Cluster
    place: Place | None  # where the kubeconfig goes; None: none is written
    script: Path | None  # where the command goes with which a node registers
    replace: bool
    timeout: float
    dry_run: bool


@click.command("create")
@click.argument("name", metavar="CLUSTER")
@click.option(
    "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the kubeconfig to a file of its own (default: where `clusters:` looks for it).",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Overwrite a context of that name which is another server's.")
@click.option(
    "--node-command", "script", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Without pools: where the script goes that registers a node. It holds a token.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(1, 86400), default=3600, show_default=True,
    help="Seconds until the cluster must be active.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Look at everything, say what would be done, and change nothing.")
@config_option
@format_option()
def command(
    name: str, output: Path | None, replace: bool, script: Path | None, timeout: float, dry_run: bool, config: Path,
    format_: str,
) -> int:  # fmt: skip
    """Have Rancher make an RKE2 cluster as `rke2:` in mcci.yml describes it, and put its kubeconfig where it belongs.

    Its machines come from pools with machine configurations that are in Rancher; without pools you register nodes
    yourself, with the script that `--node-command` writes. It is waited for until the cluster is active and answers.
    Run again, it changes what mcci.yml says anew, such as a pool's quantity, and nothing else; it never deletes a pool.

    It has never run against a real Rancher, only against a fake of its calls.
    """
    from mcci.clients import private_files, repository
    from mcci.clusters import kubeconfigs

    model = repository.load_config(config)
    cluster = shared.cluster_of(model, name)
    if cluster.rke2 and not cluster.rke2.pools and script is None:
        raise UsageError(
            f"{name} has no pools: its nodes register by a command with a token in it. Give '--node-command FILE'."
        )
    if script:
        private_files.refuse_committed(script)
    place = kubeconfigs.place(cluster, os.environ, output) if cluster.kubeconfig_variable or output else None
    if place:
        private_files.refuse_committed(place.path)
    run = _Create(
        model=model, root=config.parent, cluster=cluster, place=place, script=script, replace=replace, timeout=timeout,
        dry_run=dry_run,
    )  # fmt: skip
    with shared.opened(model, config.parent, os.environ) as rancher:
        steps, state = _run(run, rancher)
    _show(run, steps, state, format_)
    return ExitCode.DONE


def _run(run: _Create, rancher: Rancher) -> tuple[list[str], State | None]:
    """Look at Rancher, then do what is to be done; return the steps in words, and the state in Rancher."""
    from mcci import output
    from mcci.clients import private_files
    from mcci.clusters.rancher import creating, waiting
    from mcci.clusters.rancher import state as states

    planned = creating.plan(rancher, run.model, run.cluster)
    if run.place:
        shared.refuse_taken(rancher, run.cluster, run.place, replace=run.replace)
    steps = list(planned.steps)
    state = states.read(planned.current) if planned.current is not None else None
    if run.dry_run:
        if run.place and shared.at_hand(rancher, run.cluster, state, run.place) is None:
            steps.append(f"have Rancher make a kubeconfig of {run.cluster.name}, and write it to {run.place}")
        return steps, state

    def keep(node_command: str) -> None:
        assert run.script is not None
        text = creating.script(run.cluster.name, run.script.name, node_command)
        if private_files.read(run.script) != text:
            private_files.write(run.script, text)
            steps.append(f"write the script that registers a node to {run.script}")
            output.log(f"{run.cluster.name}: register its nodes with {run.script}")

    patience = waiting.Patience(seconds=run.timeout, say=output.log)
    state = creating.perform(rancher, planned, patience, keep if run.script else None)
    if run.place:
        authority = shared.authority(run.model, run.root)
        steps += shared.write_through(
            rancher, run.cluster, state, run.place, authority, patience, replace=run.replace
        )  # fmt: skip
    return steps, state


def _show(run: _Create, steps: list[str], state: State | None, format_: str) -> None:
    from mcci import output

    name, path = run.cluster.name, str(run.place.path) if run.place else ""
    if format_ == "json":
        body = {
            "cluster": name, "dry_run": run.dry_run, "steps": steps, "kubeconfig": path,
            "rancher": shared.rancher_body(state),
        }  # fmt: skip
        output.json_document("clusters-create", 1, body)
        return
    shared.show(steps, dry_run=run.dry_run)
    if state is not None:
        output.text(f"{name} is {state} in Rancher ({state.id})")
    if run.place and not run.place.shared and not run.dry_run:
        environments = [each.name for each in run.model.environments.values() if name in each.all_clusters]
        output.text(shared.variable_note(run.cluster, environments, run.place.path))
