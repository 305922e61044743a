"""`mcci deploy`: bring a release to an environment's clusters with Helm."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.config.model import Config, Environment, Service
    from mcci.delivery.deploy.diff import Change
    from mcci.delivery.deploy.run import Deploy, Done
    from mcci.delivery.deploy.session import Session
    from mcci.delivery.release.model import Release


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


def base_session(
    config: Config, root: Path, environment: Environment, services: tuple[Service, ...], options: Mapping[str, Any]
) -> Session:
    """Return what a deploy, or a rollback, shares; without a release yet.

    Raises `UsageError` and `InvalidInput` for files that cannot be used.
    """
    from mcci import job
    from mcci.clusters import ended
    from mcci.delivery.deploy.prepare import Kitchen
    from mcci.delivery.deploy.session import Session
    from mcci.delivery.deploy.sets import parse
    from mcci.delivery.release.model import Release

    now = job.read()
    return Session(
        config=config,
        environment=environment,
        services=services,
        release=Release(name="", images={}),
        kitchen=Kitchen(root, config, environment, [parse(each) for each in options.get("sets", ())]),
        job=now,
        user=user(now.who),
        timeout=options["timeout"],
        wait=options["wait"],
        again=options.get("again", False),
        ended=ended.by_gitlab(now),
        ttl=_lock_seconds(os.environ),
        say=say,
    )


def _lock_seconds(environment: Mapping[str, str]) -> float:
    """Return how long the lock of a job that died stands in the way. Raises `UsageError`."""
    from mcci.delivery.deploy.session import TTL

    text = environment.get("MCCI_LOCK_SECONDS", "")
    if text and not (text.isdecimal() and 3 <= int(text) <= 3600):
        raise UsageError(f"MCCI_LOCK_SECONDS is '{text}': give whole seconds from 3 to 3600.")
    return float(text or TTL)


def user(who: str) -> str:
    """Return who acts: the job's user, else the machine's."""
    import getpass
    import platform

    if who:
        return who
    try:
        return f"{getpass.getuser()}@{platform.node()}"
    except (KeyError, OSError):
        return f"somebody@{platform.node()}"


_saying = threading.Lock()


def say(cluster: str, line: str) -> None:
    """Tell what happens on a cluster."""
    from mcci import output

    with _saying:
        output.log(f"{cluster}: {line}")


def load_release(root: Path, given: Path | None) -> Release:
    """Return the release in the file given, or release.json; one without a name where there is none."""
    from mcci.delivery.release import model

    file = given or root / model.FILE
    if given is None and not file.exists():
        return model.Release(name="", images={})
    return model.load(file)


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
    _show_changes(session.environment.name, session.release.name, found, says, options)
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
    _show_changes(environment.name, "", found, {}, options)
    return ExitCode.DONE


def _inside(root: Path, path: Path) -> str:
    return path.resolve().relative_to(root.resolve()).as_posix()


def _show_changes(
    environment: str, release: str, found: Mapping[str, Sequence[Change]], says: Mapping[str, Mapping[str, str]],
    options: Mapping[str, Any],
) -> None:  # fmt: skip
    from mcci import output

    if options["format_"] == "json":
        body = {
            "environment": environment,
            "release": release,
            "clusters": [
                {"cluster": name, "services": dict(says.get(name, {})), "changes": [_change(each) for each in changes]}
                for name, changes in found.items()
            ],
        }
        output.json_document("deploy-diff", 1, body)
        return
    for name, changes in found.items():
        output.heading(f"{environment}/{name}")
        for service, line in says.get(name, {}).items():
            output.text(f"  {service}: {line}")
        for each in changes:
            output.text(f"  {_marked(each)}")
            for line in each.lines if options["show_diff"] else ():
                output.text(f"      {_coloured(line)}")
        if not changes:
            output.text("  nothing changes")


def _marked(change: Change) -> str:
    from mcci import output
    from mcci.delivery.deploy.diff import Kind

    mark = {Kind.CREATED: "+", Kind.CHANGED: "~", Kind.REMOVED: "-", Kind.HOOK: ">"}[change.kind]
    return f"{mark} {change.line}  {output.dim(change.release)}"


def _coloured(line: str) -> str:
    from mcci import output

    return output.good(line) if line.startswith("+") else output.bad(line) if line.startswith("-") else line


def _change(change: Change) -> dict[str, Any]:
    return {
        "release": change.release,
        "resource": change.resource,
        "change": change.kind.value,
        "fields": list(change.fields),
        "diff": list(change.lines),
    }


def show(session: Session, done: Sequence[Done], format_: str) -> None:
    """Print what became of each cluster."""
    from mcci import output

    if format_ == "json":
        clusters = [
            {
                "cluster": each.cluster,
                "seconds": round(each.seconds, 3),
                "services": [
                    {
                        "service": outcome.service,
                        "image": str(outcome.plan.image),
                        "version": outcome.plan.version,
                        "stable": outcome.plan.stable,
                        "canary": outcome.plan.canary,
                        "says": outcome.plan.says,
                        "releases_changed": outcome.changed,
                    }
                    for outcome in each.outcomes
                ],
            }
            for each in done
        ]
        body = {"environment": session.environment.name, "release": session.release.name, "clusters": clusters}
        output.json_document("deploy", 1, body)
        return
    for each in done:
        output.heading(f"{session.environment.name}/{each.cluster}  {output.dim(f'{each.seconds:.1f} s')}")
        width = max((len(outcome.service) for outcome in each.outcomes), default=0)
        for outcome in each.outcomes:
            changed = outcome.plan.says if outcome.changed else output.dim(f"unchanged: {outcome.plan.says}")
            output.text(f"  {outcome.service:{width}}  {changed}")
    sys.stdout.flush()
