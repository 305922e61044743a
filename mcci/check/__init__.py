"""Pure: GitLab CI files → findings, by one rule a file (`rules/`), shown in four formats (`report/`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mcci.check.causes import at_causes
from mcci.check.ignores import not_ignored
from mcci.check.once import said_once, together
from mcci.check.proofs import PROOFS
from mcci.check.rule import RuleModule
from mcci.check.rules import ALL
from mcci.check.subject import Subject
from mcci.findings import Finding

EVERY: tuple[RuleModule, ...] = (*ALL, *PROOFS)


def check(
    subject: Subject, prove: Callable[[Subject, Sequence[Finding]], Iterable[Finding]] | None = None
) -> list[Finding]:
    """Return what all rules find, once each, in the order of files, lines and columns.

    `prove` adds what the proofs find: `mcci.check.prove.prove`, unless they are to be left out.
    """
    by_rules = dict.fromkeys(finding for rule in ALL for finding in rule.check(subject))
    found = [*subject.unreadable, *said_once(by_rules)]
    if prove is not None:
        found += prove(subject, found)
    moved = at_causes(not_ignored(together(found), subject), subject)
    return sorted(moved, key=lambda finding: (finding.position, finding.rule, finding.message))
