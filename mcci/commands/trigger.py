"""`mcci trigger`: start the deployment branch's pipeline with a release."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.gitlab_pipelines import Pipeline, Server
    from mcci.config.model import Config
    from mcci.delivery.trigger.plan import Start
    from mcci.delivery.trigger.watch import Verdict


@click.command("trigger")
@config_option
@click.option("--release", metavar="TAG", help="The release (default: the job's commit, or the checkout's).")
@click.option("--wait", is_flag=True, help="Wait until its automatic stages are done. Needs GITLAB_TOKEN (read_api).")
@click.option(
    "--timeout", metavar="SECONDS", type=click.IntRange(1), default=3600, show_default=True, help="For --wait."
)
@click.option("--dry-run", is_flag=True, help="Start nothing; show what would be started.")
@format_option()
def command(config: Path, release: str | None, wait: bool, timeout: int, dry_run: bool, format_: str) -> int:
    """Start the deployment branch's pipeline with a release, print its URL and return.

    With --wait it ends well when the pipeline waits for a person or has finished well, and with 1 when it failed.
    """
    from mcci.clients import repository
    from mcci.commands.push import release_tag
    from mcci.config.choices import Layout
    from mcci.delivery.trigger.plan import plan

    environment = os.environ
    if environment.get("CI_MERGE_REQUEST_ID"):
        raise UsageError("a merge request's pipeline delivers nothing: `mcci trigger` is for the development branch.")
    model = repository.load_config(config)
    if model.layout is Layout.TRUNK:
        raise UsageError("with `layout: trunk` one pipeline builds and deploys: there is none to trigger.")
    token = environment.get("GITLAB_TOKEN", "").strip()
    if wait and not token:
        raise UsageError(
            "--wait needs GITLAB_TOKEN, a token with the scope `read_api`: a job's own may not read a pipeline."
        )
    start = plan(model, release_tag(config.parent, release, environment), environment)
    server = _server(model, config.absolute().parent, environment)
    if dry_run:
        return _report(start, None, None, format_)
    pipeline = _trigger(server, start)
    if not wait:
        return _report(start, pipeline, None, format_)
    return _report(start, *_wait(model, server, token, pipeline, timeout), format_)


def _trigger(server: Server, start: Start) -> Pipeline:
    from mcci.clients import gitlab_pipelines
    from mcci.delivery.trigger.plan import advice

    try:
        return gitlab_pipelines.trigger(
            server, branch=start.branch, token=start.token, inputs=start.inputs, variables=start.variables
        )
    except gitlab_pipelines.PipelineRefused as error:
        raise UsageError(f"{error} {advice(start, error.code, error.reason)}".rstrip()) from error


def _wait(config: Config, server: Server, token: str, pipeline: Pipeline, timeout: int) -> tuple[Pipeline, Verdict]:
    from mcci import output
    from mcci.clients import gitlab_pipelines
    from mcci.config.keys import Version
    from mcci.delivery.trigger import watch

    output.log(f"started {pipeline.url}; waiting for its automatic stages")
    mirrors = config.gitlab.version >= Version(18, 2)  # `strategy: mirror` shows a blocked child as it is
    return watch.wait(
        lambda: gitlab_pipelines.read(server, token, pipeline.id, with_children=not mirrors),
        deadline=time.monotonic() + timeout,
        now=time.monotonic,
        sleep=time.sleep,
    )


def _server(config: Config, folder: Path, environment: Mapping[str, str]) -> Server:
    from mcci.clients import gitlab, repository
    from mcci.clients.gitlab_pipelines import Server

    url = environment.get("CI_SERVER_URL") or config.gitlab.url
    project = environment.get("CI_PROJECT_PATH", "")
    if not url or not project:
        told = gitlab.address(repository.remote(repository.root(folder)) or "")
        url, project = url or (told[0] if told else ""), project or (told[1] if told else "")
    if not url or not project:
        raise UsageError("which GitLab project this is, no remote tells: set CI_SERVER_URL and CI_PROJECT_PATH.")
    return Server(url=url.rstrip("/"), project=project, certificate=environment.get("CI_SERVER_TLS_CA_FILE", ""))


def _report(start: Start, pipeline: Pipeline | None, verdict: Verdict | None, format_: str) -> int:
    from mcci import output
    from mcci.delivery.trigger.watch import Verdict

    how = "input" if start.by_input else "variable"
    if format_ == "json":
        found = {"id": pipeline.id, "url": pipeline.url, "status": pipeline.status} if pipeline else None
        body = {"branch": start.branch, "release": start.release, "passed_as": how, "pipeline": found}
        output.json_document("trigger", 1, {**body, "verdict": verdict.value if verdict else None})
    elif pipeline is None:
        output.text(f"would start {start.branch} with the release {start.release}, passed as {how}")
    else:
        output.text(pipeline.url)
        if verdict:
            output.text(f"{pipeline.status}: {verdict.value}")
    return ExitCode.NO if verdict is Verdict.FAILED else ExitCode.DONE
