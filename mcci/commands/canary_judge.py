"""`mcci canary judge`: judge a canary now, or recorded series."""

from __future__ import annotations

from pathlib import Path

import click

from mcci.cli import config_option, format_option
from mcci.commands.canary_options import acting_options, opened, show
from mcci.commands.canary_report import reported
from mcci.errors import ExitCode, UsageError


@click.command("judge")
@click.argument("service", required=False)
@click.option("--environment", metavar="E", help="The environment (default: the only production one).")
@click.option("--without", metavar="CLUSTER", multiple=True, help="Go on without a lost cluster; recorded.")
@click.option(
    "--from",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Judge recorded series; no cluster is asked.",
)
@acting_options
@config_option
@format_option()
def judge_command(
    service: str | None,
    environment: str | None,
    without: tuple[str, ...],
    file: Path | None,
    wait: int,
    dry_run: bool,
    config: Path,
    format_: str,
) -> int:
    """Judge the canary of SERVICE now, or recorded series.

    Exit codes: 0 pass, 4 fail (all traffic goes back, but with --dry-run and --from), 5 inconclusive.
    """
    from mcci.canary.actions.judge import judge_now
    from mcci.config.model import Notice

    if file is not None:
        return _replayed(service, file, config, format_)
    if service is None:
        raise UsageError("name a service, or give --from FILE.")
    with opened(service, environment, without, config) as found, reported(found, "judge", dry_run) as end:
        if not found.is_judged:
            raise UsageError("no cluster names a 'prometheus' in mcci.yml, so there is nobody to ask. Give its URL.")
        outcome = judge_now(found.site, found.judge, wait=wait, dry_run=dry_run)
        end.took(outcome, Notice.HOLD if outcome.code is ExitCode.ON_HOLD else None)
        return show(outcome, "judge", format_)


def _replayed(service: str | None, file: Path, config: Path, format_: str) -> int:
    """Judge recorded series; a fail at any look is the answer, else the last look's verdict."""
    from mcci import output
    from mcci.canary.clusters import open as opening
    from mcci.canary.judge.replay import replay
    from mcci.clients import files, repository
    from mcci.config.canary import Analysis

    analysis = Analysis()
    if config.exists():
        model = repository.load_config(config)
        chosen = opening.service_of(model, service) if service else None
        analysis = opening.settings_of(model, chosen).analysis if chosen else model.canary.analysis
    text = files.read(file, advice="`mcci canary judge --help` says what it holds.")
    judgements = replay(text, file=str(file), analysis=analysis)
    if format_ == "json":
        output.json_document(
            "canary-judge", 1, {"file": str(file), "judgements": [each.to_json() for each in judgements]}
        )
    else:
        for number, each in enumerate(judgements, start=1):
            output.text(f"look {number}: {each.text()[0]}")
        for line in judgements[-1].text()[1:] if judgements else ():
            output.text(line)
    verdicts = [each.verdict.value for each in judgements]
    if "fail" in verdicts:
        return ExitCode.ROLLED_BACK
    return ExitCode.DONE if verdicts[-1:] == ["pass"] else ExitCode.ON_HOLD
