"""What the proofs could not decide: too many kinds of events, or conditions that are not understood. Never silence."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.proofs.proving import proving
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="not-proved",
    summary="A promise could not be proved.",
    severity=Severity.WARNING,
    source="https://docs.gitlab.com/ci/jobs/job_rules/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Report what the proofs before this one left open, so it comes last."""
    for position, what in proving(subject).undecided:
        yield RULE.finding(position, f"not proved, {what}")
