"""`mcci graph`: draw the pipelines of an event, their children and triggers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci import output as out
from mcci.cli import config_option
from mcci.commands.event_options import EVENTS, EventCommand, event_of, event_options, project_of
from mcci.commands.simulate import refuse_invalid
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.simulation.pipelines import Pipeline


@click.command(cls=EventCommand, name="graph")
@click.argument("event", type=click.Choice(list(EVENTS)), default="push")
@click.option(
    "--status",
    type=click.Choice(["begun", "played"]),
    help="Colour the jobs by status: as the pipelines begin, or once all that runs by itself has run.",
)
@click.option("--play", multiple=True, metavar="JOB…", help="With --status played: a manual job that is pressed.")
@click.option("--fail", multiple=True, metavar="JOB…", help="With --status played: a job that fails.")
@click.option("--output", type=click.Path(path_type=Path), help="Write here instead of printing.")
@event_options
@config_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["mermaid", "dot", "svg", "html"]),
    default="mermaid",
    show_default=True,
    help="What to draw it as.",
)
def command(
    event: str,
    status: str | None,
    play: tuple[str, ...],
    fail: tuple[str, ...],
    output: Path | None,
    format_: str,
    **options: Any,
) -> int:
    """Draw the pipelines that EVENT starts (default: push): as Mermaid, DOT, SVG, or one HTML page.

    \b
      mcci graph push --branch main
      mcci graph trigger --branch deployment --format html --output pipeline.html
      mcci graph push --status played --play "deploy stage" --fail "smoke test" --format svg
    """
    from mcci.simulation.graph import model, svg, text
    from mcci.simulation.graph.html import html
    from mcci.simulation.pipelines import simulate

    project = project_of(options)
    pipeline = simulate(project, event_of(event, options, project))
    refuse_invalid(pipeline)
    drawing = model.drawing(pipeline, _statuses(pipeline, status, play, fail))
    write = {"mermaid": text.mermaid, "dot": text.dot, "svg": svg.svg, "html": html}[format_]
    drawn = write(drawing)
    if output is None:
        out.text(drawn.rstrip("\n"))
        return ExitCode.DONE
    try:
        output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    return ExitCode.DONE


def _statuses(
    pipeline: Pipeline, status: str | None, play: tuple[str, ...], fail: tuple[str, ...]
) -> Mapping[tuple[str, str], str] | None:
    if status is None and not play and not fail:
        return None
    from mcci.simulation.statuses import at_start, when_played

    known = {planned.name for one in pipeline.all_pipelines() for planned in one.jobs}
    for name in (*play, *fail):
        if name not in known:
            raise UsageError(f"there is no job '{name}' in the pipelines of this event")
    return at_start(pipeline) if status == "begun" else when_played(pipeline, play, fail)
