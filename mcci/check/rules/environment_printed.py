"""A job that prints its whole environment: every variable of the project is in it, masked or not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.scripts import scripts
from mcci.check.shell import Command, commands
from mcci.check.subject import SourceFile, Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="environment-printed",
    summary="A job prints all its variables, secrets among them.",
    severity=Severity.WARNING,
    source="https://docs.gitlab.com/ci/variables/variables_troubleshooting/#list-all-variables",
)
_CANDIDATE = re.compile(r"\b(?:env|printenv|export|set|declare)\b")
_LISTS = {"env": (), "printenv": (), "export": ("-p",), "set": (), "declare": ("-p", "-x", "-px", "-xp")}
_TRACES = ("CI_DEBUG_TRACE", "CI_DEBUG_SERVICES")


def check(subject: Subject) -> Iterator[Finding]:
    """Look for `env`, `export` and their like with nothing that narrows them, and for GitLab's debug trace."""
    for file in subject.files:
        for script in scripts(file):
            if not _CANDIDATE.search(script.text):
                continue
            for command in commands(script.text):
                if _lists_everything(command):
                    message = f"'{command.name}' prints every variable of the job to its log"
                    yield RULE.finding(script.position(command.row), message, "Print the ones you need by name.")
        yield from _traces(file)


def _lists_everything(command: Command) -> bool:
    options = tuple(word.text for word in command.words)
    if not command.shown or command.name not in _LISTS:
        return False
    return not options or (len(options) == 1 and options[0] in _LISTS[command.name])


def _traces(file: SourceFile) -> Iterator[Finding]:
    holders = [file.content, *(job for _, job in file.jobs())]
    for holder in holders:
        variables = holder.get("variables") if holder is not None else None
        if not isinstance(variables, Map):
            continue
        for name in _TRACES:
            value = variables.get(name)
            if isinstance(value, Map):
                value = value.get("value")
            if str(value).lower() == "true":
                message = f"{name} prints every command and variable of the job to its log"
                yield RULE.finding(variables.position(name), message, "Set it for one run in GitLab, not in the file.")
