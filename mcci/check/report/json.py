"""Findings for programs: the body of the document `mcci.check`, version 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcci.findings import Finding

KIND = "check"
VERSION = 1


def body(findings: Sequence[Finding], files: Sequence[str]) -> dict[str, Any]:
    """Return `{files, findings: [{rule, severity, message, help, file, line, column}]}`, in the order given."""
    return {"files": list(files), "findings": [_finding(finding) for finding in findings]}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "help": finding.help,
        "file": finding.position.file,
        "line": finding.position.line,
        "column": finding.position.column,
    }
