"""`set -x` before a command that uses a secret: the shell prints the command with the secret's value in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.scripts import Script, scripts
from mcci.check.secret_names import is_secret
from mcci.check.shell import Command, commands
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="secret-traced",
    summary="A shell prints its commands (set -x) while one of them carries a secret.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/variables/#cicd-variable-security",
)
_CANDIDATE = re.compile(r"\bset\s+(?:-\w*x|-o\s+xtrace)")


def check(subject: Subject) -> Iterator[Finding]:
    """Look, shell by shell, for a secret used between `set -x` and `set +x`."""
    for file in subject.files:
        traced: dict[int, bool] = {}
        items = list(scripts(file))
        shells = {item.shell for item in items if _CANDIDATE.search(item.text)}
        for item in items:
            if item.shell in shells:
                yield from _item(item, traced, subject.context.secrets)


def _item(item: Script, traced: dict[int, bool], marked: frozenset[str]) -> Iterator[Finding]:
    for command in commands(item.text):
        switched = _switch(command)
        if switched is not None:
            traced[item.shell] = switched
        elif traced.get(item.shell):
            secrets = [name for word in command.words for name in word.variables if is_secret(name, marked)]
            if secrets:
                message = f"the shell prints '{command.name}' with the secret in ${secrets[0]}, since 'set -x' is on"
                yield RULE.finding(item.position(command.row), message, "Put 'set +x' before it.")


def _switch(command: Command) -> bool | None:
    """Return what `set` does to tracing, or None."""
    if command.name != "set":
        return None
    text = " ".join(word.text for word in command.words)
    if re.search(r"(?:^|\s)-\w*x|-o xtrace", text):
        return True
    return False if re.search(r"(?:^|\s)\+\w*x|\+o xtrace", text) else None
