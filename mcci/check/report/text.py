"""Findings for people: one line each, `file:line:column: message [rule-id]`, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from mcci.findings import Finding, Severity


def lines(findings: Sequence[Finding]) -> list[str]:
    """Return one line for each finding; a warning says that it is one."""
    return [_line(finding) for finding in findings]


def summary(findings: Sequence[Finding], files: int) -> str:
    """Return "2 errors and 1 warning in 3 files", or that nothing was found."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    counts = [_count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{' and '.join(counts) or 'nothing found'} in {_count(files, 'file')}"


def _line(finding: Finding) -> str:
    text = str(finding)
    if finding.severity is Severity.ERROR:
        return text
    return text.replace(f"{finding.position}: ", f"{finding.position}: warning: ", 1)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
