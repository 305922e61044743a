"""`mcci rehearse`: play the generated pipelines on this machine, by a scenario or by hand."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.commands.rehearse_progress import Progress
    from mcci.config.model import Config
    from mcci.rehearsal.gitlab.site import Site
    from mcci.rehearsal.page.serve import Served
    from mcci.rehearsal.play.rehearsal import Options, Result
    from mcci.rehearsal.play.stage import Lab


@click.command("rehearse")
@click.argument("scenario", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="How many jobs run at once.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The local GitLab's port (default: a free one).")
@click.option(
    "--keep", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="Keep the rehearsal's files in this folder, which must not exist.",
)  # fmt: skip
@click.option(
    "--report", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write what came of it to this HTML file, and as JSON beside it.",
)  # fmt: skip
@click.option("--serve", is_flag=True, help="Serve a page to watch and to press jobs on, and stay until Ctrl-C.")
@click.option("--show", metavar="SERVICE", default="", help="With --serve: show this service's own page beside it.")
@click.option("--shell", is_flag=True, help="Run jobs in a shell of this machine, whatever image they want.")
@format_option()
def command(
    scenario: Path, jobs: int, port: int, keep: Path | None, report: Path | None, serve: bool, show: str, shell: bool,
    format_: str,
) -> int:  # fmt: skip
    """Play the pipelines of SCENARIO's project as GitLab and its runners would.

    \b
      mcci rehearse sample-app/scenarios/happy-path.yml

    docs/reference/rehearsals.md describes the file of a scenario.
    """
    from mcci.clients.files import read as read_file
    from mcci.commands.rehearse_progress import Progress
    from mcci.rehearsal.play.rehearsal import Options, Result
    from mcci.rehearsal.scenario.reader import read

    if keep is not None and keep.exists():
        raise UsageError(f"{keep} is there already: give a folder that is not.")
    if show and not serve:
        raise UsageError("--show says what is on the page: give --serve, too.")
    with tempfile.TemporaryDirectory(prefix="mcci-rehearsal-", ignore_cleanup_errors=True) as folder:
        place = (keep or Path(folder)).resolve()
        result = Result(scenario=read(read_file(scenario).decode("utf-8", "replace"), scenario))
        try:
            progress, options = Progress(), Options(folder=place, jobs=jobs, port=port, shell=shell)
            if serve:
                _serve(result, options, progress, show)
            else:
                _play(result, options, progress)
        finally:
            if report is not None:
                _report(result, report)
        if format_ == "json":
            _json(result)
        else:
            _text(result)
    return ExitCode.DONE if result.passed else ExitCode.NO


def _play(result: Result, options: Options, show: Progress, served: Served | None = None) -> None:
    from mcci.rehearsal.play.rehearsal import rehearse

    def lab(config: Config, state: Path, settings: Mapping[str, Any]) -> Lab:
        started = _lab(config, state, settings, show)
        if served is not None:
            from mcci.lab.plan import Folder

            served.watch(config, Folder(path=state))
        return started

    def ready(site: Site) -> None:
        if served is not None:
            served.served(site)
        show.watch(site)

    show.tell(result.scenario.title)
    options = replace(options, lab=lab, served=ready)
    if served is not None:
        options = replace(options, routes=served.routes, stay=served.stay)
    with show:
        rehearse(result, options, show.tell)


def _serve(result: Result, options: Options, show: Progress, service: str) -> None:
    from mcci.rehearsal.page.serve import Served

    served = Served(show.tell, shown=service)
    try:
        _play(result, options, show, served)
    finally:
        served.close()


def _lab(config: Config, folder: Path, settings: Mapping[str, Any], show: Progress) -> Lab:
    from mcci.rehearsal.play.lab import LocalLab

    return LocalLab(config, folder, settings, show.tell)


def _report(result: Result, page: Path) -> None:
    from mcci import output
    from mcci.rehearsal.report.collect import collect
    from mcci.rehearsal.report.words import seconds
    from mcci.rehearsal.report.write import write

    if result.stage is not None:
        report = collect(result, result.stage.site.gitlab)
        machine = write(report, page)
        for wait in report.waits:
            output.log(f"{seconds(wait.seconds):>12}  {wait.what} (pipeline #{wait.pipeline})")
        output.log(f"these were waited for longest; the report is {page}, and {machine} for machines")


def _text(result: Result) -> None:
    from mcci import output

    if result.error:
        output.text(f"{output.bad('failed')} after {result.seconds:.1f} s: {result.error}")
    else:
        output.text(f"{output.good('passed')} in {result.seconds:.1f} s: {len(result.steps)} steps")


def _json(result: Result) -> None:
    from mcci import output

    steps: list[dict[str, Any]] = [
        {
            "title": each.step.title,
            "action": each.step.action.value,
            "seconds": round(each.seconds, 3),
            "said": each.said,
            "error": each.error,
        }
        for each in result.steps
    ]
    body = {"title": result.scenario.title, "passed": result.passed, "seconds": round(result.seconds, 3),
            "error": result.error, "steps": steps}  # fmt: skip
    output.json_document("rehearsal", 1, body)
