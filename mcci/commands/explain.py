"""`mcci explain`: why a job is, or is not, in a pipeline; or what an expression is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.commands.event_options import EVENTS, EventCommand, event_of, event_options, pairs_of, project_of
from mcci.commands.simulate import refuse_invalid
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mcci.simulation.events import Event, Project
    from mcci.simulation.pipelines import Pipeline


@click.command(cls=EventCommand, name="explain")
@click.argument("job", required=False)
@click.argument("event", type=click.Choice(list(EVENTS)), required=False)
@click.option("--expression", metavar="EXPR", help="Evaluate an expression instead, as rules:if would.")
@event_options
@config_option
@format_option()
def command(job: str | None, event: str | None, expression: str | None, format_: str, **options: Any) -> int:
    """Trace JOB to the lines that made it, and say why it is, or is not, in the pipelines of EVENT (default: push).

    \b
      mcci explain build push --branch main
      mcci explain deploy merge-request --source feature --target main
      mcci explain --expression '$A == "x" && $B =~ /^y/' --variable A=x B=yes
    """
    if (job is None) == (expression is None):
        raise UsageError("name a job, or give --expression EXPR")
    if expression is not None:
        return _expression(expression, dict(pairs_of(options["variables"], "--variable")), format_)
    assert job is not None
    project = project_of(options)
    return _job(job, project, event_of(event or "push", options, project), format_)


def _expression(expression: str, variables: dict[str, str], format_: str) -> int:
    from mcci.pipeline.expressions import ExpressionError
    from mcci.simulation.explain import expression_lines

    try:
        lines, problem = expression_lines(expression, variables.get), ""
    except ExpressionError as error:
        lines, problem = ["false"], f"invalid expression syntax: {error} (at character {error.offset + 1})"
    if format_ == "json":
        body = {"expression": expression, "result": lines[0] == "true", "parts": lines[1:], "error": problem or None}
        output.json_document("expression", 1, body)
    else:
        output.text("\n".join(lines))
    if problem:
        output.error(problem)
        return ExitCode.USAGE
    return ExitCode.DONE


def _job(name: str, project: Project, event: Event, format_: str) -> int:
    from mcci.simulation import explain
    from mcci.simulation.pipelines import simulate

    pipeline = simulate(project, event)
    refuse_invalid(pipeline)
    found = list(explain.places(pipeline, name))
    if not found:
        raise UsageError(_unknown(name, pipeline))
    if format_ == "json":
        output.json_document("explain", 1, explain.document(found[0].job, found))
    else:
        output.text(explain.text(found[0].job, found))
    return ExitCode.DONE


def _unknown(name: str, pipeline: Pipeline) -> str:
    from difflib import get_close_matches

    configurations = [one.configuration for one in pipeline.all_pipelines()]
    if any(name in configuration.hidden for configuration in configurations):
        return f"'{name}' is hidden (its name begins with a dot): it is never a job itself, others extend it"
    names = [known for configuration in configurations for known in configuration.groups]
    near = get_close_matches(name, names, n=1)
    advice = f"did you mean '{near[0]}'?" if near else "mcci simulate --why lists those there are"
    return f"no configuration that this event reads has a job '{name}'; {advice}"
