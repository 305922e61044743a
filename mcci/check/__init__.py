"""Pure: GitLab CI files → findings, by one rule a file (`rules/`), shown in four formats (`report/`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcci.check.causes import at_causes
from mcci.check.ignores import not_ignored
from mcci.check.rules import ALL, configuration
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity


def check(subject: Subject) -> list[Finding]:
    """Return what all rules find, once each, in the order of files, lines and columns."""
    by_rules = dict.fromkeys(finding for rule in ALL for finding in rule.check(subject))
    found = [*subject.unreadable, *_said_once(by_rules)]
    moved = at_causes(not_ignored(found, subject), subject)
    return sorted(moved, key=lambda finding: (finding.position, finding.rule, finding.message))


def _said_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what merging found on a line where another rule found an error: it is the same, in other words."""
    every = list(findings)
    general = configuration.RULE.id
    said = {
        (finding.position.file, finding.position.line)
        for finding in every
        if finding.rule != general and finding.severity is Severity.ERROR
    }
    for finding in every:
        line = (finding.position.file, finding.position.line)
        if finding.rule != general or line not in said:
            yield finding
        if finding.rule == general:
            said.add(line)  # what follows from it is on the same line
