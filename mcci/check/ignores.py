"""`# mcci: ignore[rule-id, …] why`: a finding that its author has looked at and wants to keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mcci.check.subject import Subject
from mcci.findings import Finding

_COMMENT = re.compile(r"#\s*mcci:\s*ignore\[([\w\s,-]+)\]")


def not_ignored(findings: Iterable[Finding], subject: Subject) -> Iterator[Finding]:
    """Yield the findings without a comment on their line, or alone on the line above, that names their rule."""
    lines = {file.name: file.lines for file in subject.files}
    for finding in findings:
        text = lines.get(finding.position.file, ())
        number = finding.position.line
        here = text[number - 1] if 0 < number <= len(text) else ""
        above = text[number - 2].lstrip() if 1 < number <= len(text) + 1 else ""
        if finding.rule not in _named(here) and not (above.startswith("#") and finding.rule in _named(above)):
            yield finding


def _named(line: str) -> set[str]:
    found = _COMMENT.search(line) if "mcci" in line else None
    return {rule.strip() for rule in found[1].split(",")} if found else set()
