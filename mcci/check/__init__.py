"""Pure: GitLab CI files → findings, by one rule a file (`rules/`), shown in four formats (`report/`)."""

from __future__ import annotations

from mcci.check.causes import at_causes
from mcci.check.ignores import not_ignored
from mcci.check.once import said_once, together
from mcci.check.rules import ALL
from mcci.check.subject import Subject
from mcci.findings import Finding


def check(subject: Subject) -> list[Finding]:
    """Return what all rules find, once each, in the order of files, lines and columns."""
    by_rules = dict.fromkeys(finding for rule in ALL for finding in rule.check(subject))
    found = [*subject.unreadable, *said_once(by_rules)]
    moved = at_causes(not_ignored(together(found), subject), subject)
    return sorted(moved, key=lambda finding: (finding.position, finding.rule, finding.message))
