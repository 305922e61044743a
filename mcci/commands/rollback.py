"""`mcci rollback`: bring the last good release back."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.delivery.deploy.session import Session
    from mcci.delivery.rollback.run import Rollback


@click.command("rollback")
@click.argument("services", metavar="[SERVICE]…", nargs=-1)
@click.option("--environment", metavar="E", required=True, help="The environment of mcci.yml.")
@click.option("--cluster", metavar="C", help="This cluster alone (default: all of them, wave by wave).")
@click.option("--to", metavar="RELEASE", default="", help="This release, of the good ones recorded (or its beginning).")
@config_option
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=10),
    default=600,
    show_default=True,
    help="For each cluster.",
)
@click.option(
    "--wait", metavar="SECONDS", type=click.IntRange(min=0), default=0, show_default=True,
    help="How long to wait for another deploy that holds the lock.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done.")
@format_option()
def command(services: tuple[str, ...], environment: str, cluster: str | None, config: Path, **options: Any) -> int:
    """Bring the last good release back to ENVIRONMENT: to one cluster, or wave by wave to all.

    A canary's traffic goes back first. Then the release is deployed again by its digests, with the live weights. After
    a deploy that did not finish it is the release recorded last, else the one before it.
    """
    from mcci.clients import repository
    from mcci.commands.deploy_output import show
    from mcci.commands.deploy_session import base_session
    from mcci.delivery.deploy import wanted
    from mcci.delivery.deploy.targets import open_targets
    from mcci.delivery.rollback import run as rolling_back

    model = repository.load_config(config)
    where = wanted.environment(model, environment)
    waves = wanted.clusters(where, cluster)
    session = base_session(model, config.parent, where, wanted.services(model, services), options)
    with open_targets(model, _needed(session, waves), os.environ, config.parent) as targets:
        found = rolling_back.prepare(session, targets, waves, options["to"])
        _announce(found)
        if options["dry_run"]:
            return _dry_run(found, options["format_"])
        lines = found.give_back()
        with found.deploys() as run:
            run.open(lock=True)
            run.check()
            try:
                run.run()
            finally:
                if run.done:
                    release = next(iter(found.goals.values())).to.release
                    show(replace(session, release=replace(session.release, name=release)), run.done, options["format_"])
        lines += found.move_after()  # its own locks, so after the deploy's are given back
    from mcci import output

    for line in lines:
        output.log(line)
    return ExitCode.DONE


def _needed(session: Session, waves: Sequence[Sequence[str]]) -> list[str]:
    """Return the clusters that must be open: those that go back, and all that a canary concerns."""
    from mcci.delivery.deploy.situations import is_in_place

    config, environment = session.config, session.environment
    names = [name for wave in waves for name in wave] + [config.config_clusters(environment)[0]]
    for service in session.services:
        if not is_in_place(config, environment, service):
            names += [
                *config.config_clusters(environment),
                *(n for n in environment.all_clusters if service.runs_on(n)),
            ]
    return list(dict.fromkeys(names))


def _announce(found: Rollback) -> None:
    from mcci.commands.deploy_session import say

    for name, goal in found.goals.items():
        why = "the release recorded last: what runs is not whole" if goal.unfinished else "the last good release"
        say(name, f"back to {goal.to.release or '(a release without a name)'}, {why}")


def _dry_run(found: Rollback, format_: str) -> int:
    from mcci import output
    from mcci.delivery.rollback.goal import Traffic

    said: Mapping[Traffic, str] = {
        Traffic.BACK: "its traffic would go back first",
        Traffic.AFTER: "its traffic would be moved once {} is ready",
    }
    if format_ == "json":
        body = {
            "environment": found.session.environment.name,
            "clusters": [{"cluster": name, "release": goal.to.release} for name, goal in found.goals.items()],
            "traffic": [{"service": m.service.name, "to": m.version, "when": m.what.value} for m in found.moves],
        }
        output.json_document("rollback", 1, body)
        return ExitCode.DONE
    for name, goal in found.goals.items():
        output.heading(f"{found.session.environment.name}/{name}")
        for service, each in goal.to.images.items():
            output.text(f"  {service}: {each.image}")
    for move in found.moves:
        output.text(f"{move.service.name}: {said[move.what].format(move.version)}")
    return ExitCode.DONE
