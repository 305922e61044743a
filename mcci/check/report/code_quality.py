"""Findings for GitLab's merge-request widget: the code quality report.

Format: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcci.check.report.fingerprints import fingerprints
from mcci.findings import Finding, Severity

_SEVERITY = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def issues(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the report: a list with one issue for each finding."""
    return [
        {
            "description": f"{finding.message} {finding.help}".rstrip(),
            "check_name": finding.rule,
            "fingerprint": fingerprint,
            "severity": _SEVERITY[finding.severity],
            "location": {"path": _path(finding), "lines": {"begin": finding.position.line}},
        }
        for finding, fingerprint in zip(findings, fingerprints(findings), strict=True)
    ]


def _path(finding: Finding) -> str:
    """Return the path as GitLab wants it: relative to the repository, without `./`."""
    return finding.position.file.removeprefix("./")
