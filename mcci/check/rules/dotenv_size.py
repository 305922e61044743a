"""A dotenv report with more variables than GitLab takes: the job fails after its work is done."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.scripts import scripts
from mcci.check.shell import PRINTERS, commands
from mcci.check.subject import SourceFile, Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="dotenv-size",
    summary="A job writes more variables to its dotenv report than GitLab takes by default.",
    severity=Severity.WARNING,
    source="https://docs.gitlab.com/administration/instance_limits/#limit-dotenv-variables",
)
MOST = 20


def check(subject: Subject) -> Iterator[Finding]:
    """Count the lines that a job's own script writes to the file of its dotenv report."""
    for file in subject.files:
        for name, job in file.jobs():
            reports = _reports(job)
            target = reports.get("dotenv") if reports is not None else None
            if reports is not None and isinstance(target, str):
                written = _written(file, name, target)
                if written > MOST:
                    message = f"job '{name}' writes {written} variables to its dotenv report; GitLab takes {MOST}"
                    advice = "On GitLab.com it is 50 to 150, by tier; a file among the artifacts has no such limit."
                    yield RULE.finding(reports.position("dotenv"), message, advice)


def _reports(job: Map) -> Map | None:
    artifacts = job.get("artifacts")
    reports = artifacts.get("reports") if isinstance(artifacts, Map) else None
    return reports if isinstance(reports, Map) else None


def _written(file: SourceFile, job: str, target: str) -> int:
    own = [script for script in scripts(file) if script.job == job and target in script.text]
    return sum(
        command.name in PRINTERS and command.file.removeprefix("./") == target and "=" in command.words[0].text
        for script in own
        for command in commands(script.text)
        if command.words
    )
