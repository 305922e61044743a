"""`mcci check`: find what GitLab would refuse, or should not be run."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError
from mcci.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.commands.proofs import Proofs


@click.command("check")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@config_option
@click.option(
    "--branches",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Check the branches in DIR, a folder each (as generate --all --output DIR writes them).",
)
@click.option(
    "--prove", is_flag=True, help="Prove the pipelines' promises over every event, and print what was covered."
)
@click.option("--ignore", metavar="RULE", multiple=True, help="Leave out what this rule finds (repeatable).")
@format_option("text", "json", "sarif", "gitlab")
def command(
    files: tuple[Path, ...], config: Path, branches: Path | None, prove: bool, ignore: tuple[str, ...], format_: str
) -> int:
    """Find what GitLab would refuse, or should not be run.

    FILEs are GitLab CI files, of any project. Without them this checkout is checked: its .gitlab-ci.yml and the child
    pipelines it starts; or, where there is none yet, what mcci.yml generates. Exits with 1 when there is an error, with
    2 when a file cannot be read. docs/reference/rules.md describes the rules.

    What an mcci.yml generates is also proved. With --prove any files are; the exit code is then 1, too, when something
    could not be proved.
    """
    from mcci.commands.check_scopes import scopes
    from mcci.commands.proofs import Proofs

    if files and branches:
        raise UsageError("FILEs and --branches exclude each other.")
    _refuse_unknown(ignore)
    found: dict[Finding, None] = {}
    checked: dict[str, None] = {}
    unreadable = False
    proofs = Proofs(asked=prove)
    for scope in scopes(files, config, branches):
        with _no_collection():
            subject = scope.collect()
            findings = proofs.check(subject)
        unreadable = unreadable or bool(subject.unreadable)
        checked.update((scope.shown(file.name, format_), None) for file in subject.files)
        for finding in findings:
            if finding.rule not in ignore and scope.asked(finding.position.file):
                shown = scope.shown(finding.position.file, format_)
                found[replace(finding, position=replace(finding.position, file=shown))] = None
    _show(list(found), list(checked), format_, proofs)
    if unreadable:
        return ExitCode.USAGE
    bad = any(each.severity is Severity.ERROR for each in found) or proofs.object_to(found)
    return ExitCode.NO if bad else ExitCode.DONE


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of cycles out: a large file is millions of objects that stay to the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _refuse_unknown(ignore: tuple[str, ...]) -> None:
    from mcci.check import EVERY
    from mcci.check.words import did_you_mean

    known = [module.RULE.id for module in EVERY]
    for rule in ignore:
        if rule not in known:
            raise UsageError(f"--ignore: there is no rule '{rule}'{did_you_mean(rule, known)}.")


def _show(findings: list[Finding], files: list[str], format_: str, proofs: Proofs) -> None:
    from mcci import __version__
    from mcci import output as out
    from mcci.check import EVERY
    from mcci.check.report import code_quality, json, sarif, text

    findings.sort(key=lambda finding: (finding.position, finding.rule, finding.message))
    document: Any = None
    match format_:
        case "json":
            out.json_document(json.KIND, json.VERSION, {**json.body(findings, files), **proofs.document()})
        case "sarif":
            document = sarif.log(findings, [module.RULE for module in EVERY], __version__)
        case "gitlab":
            document = code_quality.issues(findings)
        case _:
            for line in [*text.lines(findings), *proofs.lines()]:
                out.text(line)
            out.log(text.summary(findings, len(files)))
    if document is not None:
        from json import dumps

        out.text(dumps(document, indent=2, ensure_ascii=False))
