"""`mcci clusters import`: an existing cluster, brought into Rancher or just to where `clusters:` looks for it."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcci.cli import config_option, format_option
from mcci.commands import clusters_rancher as shared
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mcci.clients.rancher import Rancher
    from mcci.clusters.importing import Reached
    from mcci.clusters.kubeconfigs import Place
    from mcci.clusters.rancher.state import State
    from mcci.config.model import Cluster, Config


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """One run of the command."""

    model: Config
    root: Path
    cluster: Cluster
    place: Place | None  # where a kubeconfig goes; None: none is written
    through: bool  # ... and is made by Rancher
    replace: bool
    timeout: float
    dry_run: bool


@click.command("import")
@click.argument("name", metavar="CLUSTER")
@click.option(
    "--kubeconfig", "file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="A kubeconfig that reaches the cluster (default: the way that `clusters:` has).",
)  # fmt: skip
@click.option("--context", metavar="NAME", default="", help="Its context (default: the current one).")
@click.option(
    "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the kubeconfig to a file of its own (default: where `clusters:` looks for it).",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Overwrite a context of that name which is another server's.")
@click.option("--through-rancher", is_flag=True, help="Write a kubeconfig that Rancher makes: requests go through it.")
@click.option("--without-rancher", is_flag=True, help="Leave Rancher alone, though mcci.yml has one.")
@click.option(
    "--timeout", type=click.FloatRange(1, 86400), default=900, show_default=True,
    help="Seconds until it must be active in Rancher.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Look at everything, say what would be done, and change nothing.")
@config_option
@format_option()
def command(
    name: str, file: Path | None, context: str, output: Path | None, replace: bool, through_rancher: bool,
    without_rancher: bool, timeout: float, dry_run: bool, config: Path, format_: str,
) -> int:  # fmt: skip
    """Bring an existing cluster in: check it, register it at Rancher, put its kubeconfig where jobs and mcci find it.

    With `rancher:` in mcci.yml the cluster is made known there, Rancher's agent is applied to it, and it is waited for
    until it is active. Without, its kubeconfig is checked, narrowed to one context and written: at a terminal as the
    context CLUSTER of your own kubeconfig, or to the file that its variable names. A cluster whose ranges overlap those
    of another in its environment is refused. Run again, it changes nothing; where it was interrupted, it goes on.

    What is done with Rancher has never run against a real Rancher, only against a fake of its calls.

    \b
      mcci clusters import prod-aws --kubeconfig admin.yaml --dry-run
      mcci clusters import prod-aws --kubeconfig admin.yaml --output prod-aws.kubeconfig
    """
    from mcci.clients import private_files, repository
    from mcci.clusters import importing, kubeconfigs

    model = repository.load_config(config)
    cluster = shared.cluster_of(model, name)
    uses = bool(model.rancher.url) and not without_rancher
    _refuse_odd(uses, file, context, output, through_rancher)
    document = importing.given(cluster, file, context) if file else None
    writes = document is not None or through_rancher
    # a cluster that is reached in another way needs no kubeconfig, unless one is asked for
    writes = writes and bool(cluster.kubeconfig_variable or output or not uses)
    place = kubeconfigs.place(cluster, os.environ, output) if writes else None
    if place:
        private_files.refuse_committed(place.path)
    run = _Import(
        model=model, root=config.parent, cluster=cluster, through=through_rancher, replace=replace, timeout=timeout,
        dry_run=dry_run, place=place,
    )  # fmt: skip
    opened = shared.opened(model, config.parent, os.environ) if uses else nullcontext()
    with opened as rancher, importing.reached(
        model, cluster, document, os.environ, root=config.parent, deadline=30
    ) as found:  # fmt: skip
        steps, state = _run(run, found, rancher)
    _show(run, found, steps, state, format_)
    return ExitCode.DONE


def _refuse_odd(uses: bool, file: Path | None, context: str, output: Path | None, through: bool) -> None:
    if not uses and file is None:
        raise UsageError("give '--kubeconfig FILE': without Rancher there is nothing else to bring in.")
    if through and not uses:
        raise UsageError("'--through-rancher' needs 'rancher: {url: …}' in mcci.yml, and no '--without-rancher'.")
    if context and file is None:
        raise UsageError("'--context' chooses from a file: give '--kubeconfig FILE' too.")
    if output and file is None and not through:
        raise UsageError("'--output' has nothing to write: give '--kubeconfig FILE' or '--through-rancher' too.")


def _run(run: _Import, found: Reached, rancher: Rancher | None) -> tuple[list[str], State | None]:
    """Look at everything, then do what is to be done; return the steps in words, and the state in Rancher."""
    from mcci import output
    from mcci.clusters import importing
    from mcci.clusters.rancher import importing as registering
    from mcci.clusters.rancher import waiting

    own = found.document if not run.through else None
    planned = registering.plan(rancher, found.api, run.cluster.name) if rancher else None
    steps = list(planned.steps) if planned else []
    if run.place and own is not None and importing.prepared(own, run.place, replace=run.replace).changed:
        steps.append(f"write the kubeconfig of {run.cluster.name} to {run.place}")
    if run.place and own is None and rancher:
        shared.refuse_taken(rancher, run.cluster, run.place, replace=run.replace)
    if run.dry_run:
        return steps + _through_step(
            run, rancher, planned.state if planned else None
        ), planned.state if planned else None
    state = None
    patience = waiting.Patience(seconds=run.timeout, say=output.log)
    if rancher and planned:
        state = registering.perform(rancher, found.api, planned, patience)
    if run.place and own is not None:
        importing.write(own, run.place, replace=run.replace)
    if run.place and rancher and state and run.through:
        steps += shared.write_through(
            rancher, run.cluster, state, run.place, shared.authority(run.model, run.root), patience, replace=run.replace
        )
    return steps, state


def _through_step(run: _Import, rancher: Rancher | None, state: State | None) -> list[str]:
    if not (run.through and run.place and rancher):
        return []
    if shared.at_hand(rancher, run.cluster, state, run.place) is not None:
        return []
    return [f"have Rancher make a kubeconfig of {run.cluster.name}, and write it to {run.place}"]


def _show(run: _Import, found: Reached, steps: list[str], state: State | None, format_: str) -> None:
    from mcci import output

    name, path = run.cluster.name, str(run.place.path) if run.place else ""
    if format_ == "json":
        body = {
            "cluster": name, "dry_run": run.dry_run, "steps": steps, "server": found.server,
            "version": found.seen.version, "kubeconfig": path, "rancher": shared.rancher_body(state),
        }  # fmt: skip
        output.json_document("clusters-import", 1, body)
        return
    shared.show(steps, dry_run=run.dry_run)
    nodes = found.seen.nodes
    ready = f", {nodes.ready} of {nodes.total} nodes ready" if nodes else ""
    output.text(f"{name} answers at {found.server}: {found.seen.version}{ready}")
    if run.place and not run.place.shared and not run.dry_run:
        environments = [each.name for each in run.model.environments.values() if name in each.all_clusters]
        output.text(shared.variable_note(run.cluster, environments, run.place.path))
