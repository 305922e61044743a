"""`mcci simulate`: which jobs an event runs, and why; or a scenario's statuses against those expected."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.commands.event_options import EVENTS, EventCommand, event_of, event_options, project_of
from mcci.errors import ExitCode, InvalidInput, UsageError

if TYPE_CHECKING:
    from mcci.simulation.pipelines import Pipeline


@click.command(cls=EventCommand, name="simulate")
@click.argument("event", type=click.Choice(list(EVENTS)), required=False)
@click.option("--scenario", metavar="FILE", help="Play a scenario's events and compare the statuses with its own.")
@click.option("--why", is_flag=True, help="Say why each job is in, and which are not and why.")
@event_options
@config_option
@format_option()
def command(event: str | None, scenario: str | None, why: bool, format_: str, **options: Any) -> int:
    """Show the pipelines that EVENT starts: stages, jobs, when they run and what they need.

    \b
      mcci simulate push --branch main --changes src/app.py
      mcci simulate merge-request --source feature --target main --why
      mcci simulate trigger --branch deployment --input release=1a2b3c --branches out/
      mcci simulate --scenario scenario.yml

    docs/reference/scenarios.md describes the file of a scenario.
    """
    if (event is None) == (scenario is None):
        raise UsageError("give an event, or --scenario FILE")
    if scenario is not None:
        return _play(scenario, format_)
    assert event is not None
    gc.disable()  # one short run: what it makes it needs to the end
    from mcci.simulation import report
    from mcci.simulation.pipelines import simulate

    project = project_of(options)
    pipeline = simulate(project, event_of(event, options, project))
    refuse_invalid(pipeline)
    if format_ == "json":
        output.json_document("simulate", 1, {"event": event, "pipeline": report.document(pipeline)})
    else:
        output.text(report.text(pipeline, why=why))
    refused = any(one.findings for one in pipeline.all_pipelines())
    return ExitCode.NO if refused else ExitCode.DONE


def refuse_invalid(pipeline: Pipeline) -> None:
    """Raise `InvalidInput` when a configuration that was read, the parent's or a child's, is none GitLab takes."""
    invalid = [one.configuration for one in pipeline.all_pipelines() if not one.configuration.is_valid]
    if invalid:
        raise InvalidInput([finding for configuration in invalid for finding in configuration.findings])


def _play(file: str, format_: str) -> int:
    from pathlib import Path

    from mcci.simulation.checkout import read_text
    from mcci.simulation.status import scenario

    report = scenario.run(read_text(Path(file)), file)
    if format_ == "json":
        output.json_document("scenario", 1, report.document())
    else:
        output.text(report.text())
    return report.exit_code
