"""`mcci canary`: move a service's traffic to a new version, step by step, in every config cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcci.commands.canary_judge import judge_command
from mcci.commands.canary_options import acting_options, force_option, opened, show, site_options, time_left
from mcci.commands.canary_report import looked, reported, seen
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.canary.outcome import Outcome
    from mcci.config.keys import Duration


@click.group("canary")
def command() -> None:
    """Move a service's traffic to a new version, step by step, in every config cluster.

    The truth is in the clusters: any job, or a person at a terminal, may go on where another has stopped. Killed
    anywhere, a command is finished or taken back by the next one.

    \b
      mcci canary step staff-service --to 10
      mcci canary status staff-service --watch
      mcci canary promote staff-service
    """


@command.command("step")
@site_options
@acting_options
@force_option
@click.option("--to", metavar="N", type=int, required=True, help="The canary's weight after the step, in percent.")
@click.option("--scale", is_flag=True, help="Give a version with too few ready pods for its share more of them first.")
@click.option(
    "--stay/--no-stay", default=None, help="Judge while the weight bakes (default: where there is a Prometheus)."
)
def step_command(
    service: str,
    to: int,
    environment: str | None,
    without: tuple[str, ...],
    config: Path,
    format_: str,
    wait: int,
    dry_run: bool,
    force: bool,
    scale: bool,
    stay: bool | None,
) -> int:
    """Move the canary of SERVICE to N percent of the traffic, in every config cluster.

    Run again, it changes nothing. Exit codes: 4 when the judge found it worse and the traffic went back, 5 when it is
    held (bake time, too little evidence, too few ready pods), 6 when another moves it, 7 when the pipeline is stale.
    """
    from mcci.canary.actions.step import patiently, step
    from mcci.config.model import Notice

    with opened(service, environment, without, config) as found, reported(found, f"step to {to}", dry_run) as end:

        def take() -> Outcome:
            return step(
                found.site, to, found.settings, found.judge, force=force, scale=scale, wait=wait, dry_run=dry_run
            )  # fmt: skip

        outcome = patiently(found.site, found.settings, 0 if dry_run else time_left(), take)
        end.took(outcome, Notice.STEP)
        if outcome.code is ExitCode.DONE and not dry_run:
            stays = found.is_judged if stay is None else stay
            outcome = seen(found, outcome, stays=stays)
            if stays:
                outcome = end.stayed(outcome)
        return show(outcome, "step", format_)


@command.command("promote")
@site_options
@acting_options
@force_option
def promote_command(
    service: str,
    environment: str | None,
    without: tuple[str, ...],
    config: Path,
    format_: str,
    wait: int,
    dry_run: bool,
    force: bool,
) -> int:
    """Make the canary of SERVICE, once it has all the traffic, the stable version.

    No weight moves and no pod restarts. The old version stays ready for the rollback window; until then `abort` goes
    back to it, and a later deployment retires it.
    """
    from mcci.canary.actions.promote import promote
    from mcci.canary.actions.step import patiently
    from mcci.config.model import Notice

    with opened(service, environment, without, config) as found, reported(found, "promote", dry_run) as end:
        outcome = patiently(
            found.site, found.settings, 0 if dry_run else time_left(),
            lambda: promote(found.site, found.settings, found.judge, force=force, wait=wait, dry_run=dry_run),
        )  # fmt: skip
        end.took(outcome, Notice.PROMOTE)
        return show(outcome, "promote", format_)


@command.command("abort")
@site_options
@acting_options
@force_option
@click.option("--gradually", metavar="PAUSE", help="Go down the plan, with this pause between two weights: 30s, 2m.")
def abort_command(
    service: str,
    environment: str | None,
    without: tuple[str, ...],
    config: Path,
    format_: str,
    wait: int,
    dry_run: bool,
    force: bool,
    gradually: str | None,
) -> int:
    """Give all traffic of SERVICE back to the stable version, at once or gradually.

    Whatever anybody has made of the weights. Refused while the stable version has no ready pod, unless --force.
    """
    from mcci.canary.actions.abort import abort
    from mcci.config.model import Notice

    pause = _duration(gradually) if gradually else 0
    with opened(service, environment, without, config) as found, reported(found, "abort", dry_run) as end:
        outcome = abort(found.site, pause=pause, force=force, wait=wait, dry_run=dry_run)
        end.took(outcome, Notice.ABORT)
        if not dry_run:
            outcome = seen(found, outcome)
        return show(outcome, "abort", format_)


command.add_command(judge_command)


@command.command("status")
@site_options
@click.option("--watch", is_flag=True, help="Stay, and show what changes.")
@click.option("--every", metavar="SECONDS", type=click.FloatRange(min=0.5), default=2.0, show_default=True)
def status_command(
    service: str,
    environment: str | None,
    without: tuple[str, ...],
    config: Path,
    format_: str,
    watch: bool,
    every: float,
) -> int:
    """Show the plan of SERVICE, its step, the weights in every cluster, the evidence, who and when."""
    from mcci import output
    from mcci.canary.clusters.survey import look
    from mcci.canary.report import status

    with opened(service, environment, without, config) as found:

        def now() -> status.Status:
            site, survey = look(found.site, tolerant=True)
            return status.status(site, survey, found.settings, looked(found, survey))

        if watch:
            from mcci.commands.canary_live import live

            return live(now, every)
        shown = now()
    if format_ == "json":
        output.json_document("canary-status", 1, status.body(shown))
    else:
        for line in status.lines(shown):
            output.text(line)
    return ExitCode.NO if any(isinstance(each, str) for each in shown.weights.values()) else ExitCode.DONE


def _duration(text: str) -> Duration:
    from mcci.config.keys import Duration

    try:
        return Duration.parse(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no time span. Write it as 90s, 10m or 1h30m.") from error
