"""A job that prints a secret: the log is readable by all who see the project's jobs, and kept.

GitLab hides only the values of *masked* variables, and only as they are: base64, a part or a quoted form gets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.scripts import scripts
from mcci.check.secret_names import is_secret, is_secret_file
from mcci.check.shell import PRINTERS, Command, commands
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="secret-printed",
    summary="A job prints a secret to its log.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/variables/#cicd-variable-security",
)
_CANDIDATE = re.compile(r"\b(?:echo|printf|cat|printenv)\b")


def check(subject: Subject) -> Iterator[Finding]:
    """Look for `echo`, `printf`, `cat` and `printenv` of a variable that holds a secret, shown in the log."""
    marked = subject.context.secrets
    for file in subject.files:
        for script in scripts(file):
            if not _CANDIDATE.search(script.text):
                continue
            for command in commands(script.text):
                for name in dict.fromkeys(_printed(command, marked)):
                    message = f"'{command.name}' prints the secret in ${name} to the job's log"
                    yield RULE.finding(
                        script.position(command.row), message, "Remove it, or print only that it is set."
                    )


def _printed(command: Command, marked: frozenset[str]) -> Iterator[str]:
    if not command.shown:
        return
    if command.name == "printenv":
        yield from (word.text for word in command.words if is_secret(word.text, marked))
    if command.name in PRINTERS:
        yield from (name for name in command.input if is_secret(name, marked))
        secret = is_secret_file if command.name == "cat" else is_secret
        for word in command.words:
            yield from (name for name in word.variables if secret(name, marked))
