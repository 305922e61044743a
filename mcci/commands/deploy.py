"""`mcci deploy`: bring a release to an environment's clusters with Helm."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.commands.deploy_output import show, show_changes
from mcci.commands.deploy_session import base_session, load_release, say
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.config.model import Config, Environment
    from mcci.delivery.deploy.run import Deploy
    from mcci.delivery.deploy.session import Session


@click.command("deploy")
@click.argument("services", metavar="[SERVICE]…", nargs=-1)
@click.option("--environment", metavar="E", required=True, help="The environment of mcci.yml.")
@click.option("--cluster", metavar="C", help="This cluster alone (default: all of them, wave by wave).")
@config_option
@click.option(
    "--release", "release_file", metavar="FILE", type=click.Path(path_type=Path),
    help="The release (default: release.json by mcci.yml; without one, what the environment has recorded).",
)  # fmt: skip
@click.option("--set", "sets", metavar="CHART.KEY=VALUE", multiple=True, help="A Helm value, over all files'.")
@click.option(
    "--timeout", metavar="SECONDS", type=click.IntRange(min=10), default=600, show_default=True,
    help="For each cluster, with what rolling back takes of it.",
)  # fmt: skip
@click.option(
    "--wait", metavar="SECONDS", type=click.IntRange(min=0), default=0, show_default=True,
    help="How long to wait for another deploy that holds the lock.",
)  # fmt: skip
@click.option("--again", is_flag=True, help="Upgrade what has not changed, too.")
@click.option("--diff", "show_diff", is_flag=True, help="Show the manifests' difference, and change nothing.")
@click.option("--dry-run", is_flag=True, help="Have the clusters check what would be written, and write nothing.")
@click.option("--plan", "save", metavar="FILE", type=click.Path(path_type=Path), help="Save the plan; change nothing.")
@click.option(
    "--use-plan",
    "use",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Do exactly what this plan says, or refuse.",
)
@click.option(
    "--against",
    metavar="COMMIT",
    help="With --diff: compare with the charts and values of a commit, asking no cluster.",
)
@format_option()
def command(services: tuple[str, ...], environment: str, cluster: str | None, config: Path, **options: Any) -> int:
    """Bring the release to ENVIRONMENT with Helm: to one cluster, or wave by wave to all.

    In production a new version comes beside the stable one and gets no traffic; `mcci canary` moves that. Values come
    from the chart, the environment, the cluster and the service, in this order, then --set. A deploy that fails is
    rolled back to what was running (exit code 4). Run again, it changes nothing.

    \b
      mcci deploy --environment stage
      mcci deploy --environment production --cluster prod-aws --diff
    """
    from mcci.clients import repository
    from mcci.delivery.deploy import wanted

    model = repository.load_config(config)
    where = wanted.environment(model, environment)
    waves = wanted.clusters(where, cluster)
    chosen = wanted.services(model, services)
    _check_options(options)
    if options["against"]:
        return _against(model, config, where, [name for wave in waves for name in wave], options)
    release = load_release(config.parent, options["release_file"])
    wanted.check(model, release, chosen)
    session = replace(base_session(model, config.parent, where, chosen, options), release=release)
    return _deploy(session, config.parent, waves, options)


def _check_options(options: Mapping[str, Any]) -> None:
    if options["against"] and not options["show_diff"]:
        raise UsageError("--against compares: give --diff too.")
    if options["use"] and (options["save"] or options["show_diff"] or options["dry_run"]):
        raise UsageError("--use-plan changes the clusters: give it without --plan, --diff and --dry-run.")


def _deploy(session: Session, root: Path, waves: Sequence[Sequence[str]], options: Mapping[str, Any]) -> int:
    from mcci.delivery.deploy import saved
    from mcci.delivery.deploy.cluster import ClusterDeploy
    from mcci.delivery.deploy.run import Deploy
    from mcci.delivery.deploy.targets import open_targets

    leader = session.config.config_clusters(session.environment)[0]
    names = [name for wave in waves for name in wave]
    with ExitStack() as stack:
        targets = stack.enter_context(open_targets(session.config, [*names, leader], os.environ, root))
        run = stack.enter_context(
            Deploy(
                [
                    [ClusterDeploy(session=session, target=targets[name], leader=targets[leader]) for name in wave]
                    for wave in waves
                ]
            )
        )
        only_look = bool(options["show_diff"] or options["dry_run"] or options["save"])
        run.open(lock=not only_look)
        if options["save"]:
            run.check()
            saved.save(options["save"], run.clusters)
        if only_look:
            return _preview(session, run, options)
        if options["use"]:
            saved.check(options["use"], run.clusters)
        run.check()
        try:
            run.run()
        finally:
            if run.done:
                show(session, run.done, options["format_"])
    return ExitCode.DONE


def _preview(session: Session, run: Deploy, options: Mapping[str, Any]) -> int:
    from mcci.delivery.deploy import preview

    found = {each.name: preview.changes(each) for each in run.clusters}
    if options["dry_run"]:
        for each in run.clusters:
            for line in preview.try_on_server(each, found[each.name]):
                say(each.name, line)
    says = {each.name: {plan.service: plan.says for plan in each.plans} for each in run.clusters}
    show_changes(session.environment.name, session.release.name, found, says, options)
    return ExitCode.DONE


def _against(
    config: Config, path: Path, environment: Environment, clusters: list[str], options: Mapping[str, Any]
) -> int:
    """Compare the checkout with a commit, asking no cluster."""
    import tempfile

    from mcci.clients import repository
    from mcci.clients.git import Repository
    from mcci.clients.helm import binary
    from mcci.clients.helm.client import HelmClient
    from mcci.config.load import load
    from mcci.delivery.deploy import offline
    from mcci.delivery.deploy.masks import Masks
    from mcci.delivery.deploy.sets import parse

    sets = [parse(each) for each in options["sets"]]
    clone = Repository(repository.root(path.absolute().parent))
    commit = clone.commit_of(options["against"])
    if commit is None:
        raise UsageError(
            f"there is no commit '{options['against']}' in this clone: `git fetch` it (in a job, set GIT_DEPTH to 0)."
        )
    helm = HelmClient(binary.find(os.environ), os.environ)
    name = (
        path.absolute().relative_to(clone.root.resolve()).as_posix()
        if path.is_absolute()
        else _inside(clone.root, path)
    )
    prefix = name.rpartition("/")[0]
    new = offline.renderings(path.parent, config, environment, clusters, sets)
    offline.check(new, config.namespace_of(environment), helm)
    old, namespace = {}, config.namespace_of(environment)
    entry = clone.files(commit, name).get(name)
    with tempfile.TemporaryDirectory(prefix="mcci-against-") as folder:
        if entry:
            before = load(clone.content(entry.content), f"{options['against']}:{name}")
            offline.checkout(clone, commit, prefix, before, Path(folder))
            if environment.name in before.environments:
                where = before.environments[environment.name]
                namespace = before.namespace_of(where)
                old = offline.renderings(Path(folder), before, where, where.all_clusters, sets)
        found = offline.compare(old, new, (namespace, config.namespace_of(environment)), helm, Masks())
    show_changes(environment.name, "", found, {}, options)
    return ExitCode.DONE


def _inside(root: Path, path: Path) -> str:
    return path.resolve().relative_to(root.resolve()).as_posix()
