"""Pure: GitLab CI files → findings, by one rule a file (`rules/`), shown in four formats (`report/`)."""

from __future__ import annotations

from mcci.check.causes import at_causes
from mcci.check.ignores import not_ignored
from mcci.check.rules import ALL
from mcci.check.subject import Subject
from mcci.findings import Finding


def check(subject: Subject) -> list[Finding]:
    """Return what all rules find, once each, in the order of files, lines and columns."""
    found = dict.fromkeys(finding for rule in ALL for finding in rule.check(subject))
    moved = at_causes(not_ignored(found, subject), subject)
    return sorted(moved, key=lambda finding: (finding.position, finding.rule, finding.message))
