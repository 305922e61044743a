"""Findings for code scanners: SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mcci.check.report.fingerprints import fingerprints
from mcci.check.rule import Rule
from mcci.findings import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(findings: Sequence[Finding], rules: Sequence[Rule], version: str) -> dict[str, Any]:
    """Return a SARIF log with one run: the rules that were asked, and a result for each finding."""
    known = {rule.id: index for index, rule in enumerate(rules)}
    marks = fingerprints(findings)
    results = [_result(finding, mark, known) for finding, mark in zip(findings, marks, strict=True)]
    driver = {"name": "mcci", "version": version, "rules": [_rule(rule) for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "helpUri": rule.source,
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(finding: Finding, fingerprint: str, known: dict[str, int]) -> dict[str, Any]:
    position = finding.position
    location = {
        "artifactLocation": {"uri": quote(position.file.removeprefix("./"))},
        "region": {"startLine": position.line, "startColumn": position.column},
    }
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} {finding.help}".rstrip()},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"mcci/v1": fingerprint},
    }
    if finding.rule in known:  # the YAML reader's own findings (yaml-syntax …) are no rules of the table
        result["ruleIndex"] = known[finding.rule]
    return result
