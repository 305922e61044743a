"""`mcci verify`: what runs is what was deployed, and it answers."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.delivery.verify.run import Verified


@click.command("verify")
@click.argument("services", metavar="[SERVICE]…", nargs=-1)
@click.option("--environment", metavar="E", required=True, help="The environment of mcci.yml.")
@click.option("--cluster", metavar="C", help="This cluster alone (default: all of them).")
@config_option
@click.option(
    "--release", "release_file", metavar="FILE", type=click.Path(path_type=Path),
    help="The release (default: release.json by mcci.yml; without one, what the environment has recorded).",
)  # fmt: skip
@click.option(
    "--timeout", metavar="SECONDS", type=click.IntRange(min=1), default=120, show_default=True,
    help="How long to look again at what is not well yet.",
)  # fmt: skip
@format_option()
def command(services: tuple[str, ...], environment: str, cluster: str | None, config: Path, **options: Any) -> int:
    """Check what runs in ENVIRONMENT: rollouts, pods and their digests, health through the gateway, smoke tests.

    Changes nothing. Leaves reports/verify-ENVIRONMENT-CLUSTER.xml, which GitLab shows. Exit code 1 when a check fails.
    """
    from mcci.clients import repository
    from mcci.clusters.access import open_clusters
    from mcci.commands.deploy_session import base_session, load_release
    from mcci.delivery.deploy import namespace, wanted
    from mcci.delivery.verify.run import verify

    model = repository.load_config(config)
    where = wanted.environment(model, environment)
    names = [name for wave in wanted.clusters(where, cluster) for name in wave]
    chosen = wanted.services(model, services)
    release = load_release(config.parent, options["release_file"])
    wanted.check(model, release, chosen)
    session = replace(base_session(model, config.parent, where, chosen, {**options, "wait": 0}), release=release)
    with open_clusters([model.clusters[name] for name in names], os.environ, root=config.parent) as opened:
        found = []
        for each in opened.values():
            namespace.find(each.api, session.namespace, model.application)
            found.append(verify(session, each.api, config.parent, os.environ))
    _show(environment, found, options["format_"])
    return ExitCode.DONE if all(each.good for each in found) else ExitCode.NO


def _show(environment: str, found: Sequence[Verified], format_: str) -> None:
    from mcci import output
    from mcci.delivery.image_tests.junit import Outcome

    if format_ == "json":
        clusters = [
            {
                "cluster": each.cluster,
                "good": each.good,
                "checks": [
                    {"service": service, "check": case.name, "outcome": case.outcome.value, "message": case.message}
                    for service, cases in each.cases.items()
                    for case in cases
                ],
            }
            for each in found
        ]
        output.json_document("verify", 1, {"environment": environment, "clusters": clusters})
        return
    paint = {Outcome.PASSED: output.good, Outcome.SKIPPED: output.dim}
    for each in found:
        output.heading(f"{environment}/{each.cluster}")
        for service, cases in each.cases.items():
            for case in cases:
                word = paint.get(case.outcome, output.bad)(case.outcome.value)
                output.text(f"  {service}: {case.name}  {word}{f': {case.message}' if case.message else ''}")
                for line in case.output.splitlines() if case.outcome is Outcome.FAILED else ():
                    output.text(f"      {line}")
