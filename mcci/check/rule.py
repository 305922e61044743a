"""What a rule is: an id, what it is about, how much it weighs, the page of GitLab that decides, and a function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcci.findings import Finding, Position, Severity

if TYPE_CHECKING:
    from mcci.check.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: `id` is public and stable (kebab-case), `source` is the page that says why it is right."""

    id: str
    summary: str
    severity: Severity
    source: str

    def finding(self, position: Position, message: str, advice: str = "") -> Finding:
        """Return a finding of this rule; `advice` says what to do about it."""
        said = f"{message}." if advice else message
        return Finding(rule=self.id, message=said, position=position, severity=self.severity, help=advice)


class RuleModule(Protocol):
    """A module of `mcci/check/rules/`."""

    RULE: Rule

    def check(self, subject: Subject, /) -> Iterable[Finding]:
        """Return what this rule finds in `subject`."""
