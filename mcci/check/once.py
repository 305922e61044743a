"""One thing is said once: not again for each job that shares it, nor by two rules in two ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mcci.check.rules import configuration
from mcci.findings import Finding, Severity

_JOB = re.compile(r"job '[^']*'")


def together(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Join the findings that differ only in the job they name: jobs that share one template's text, at one place."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        same = _JOB.sub("job", finding.message, count=1)
        groups.setdefault((finding.rule, finding.position, same), []).append(finding)
    for first, *others in groups.values():
        found = _JOB.search(first.message)
        if not others or found is None:
            yield first
            continue
        more = f"{first.message[: found.end()]} (and {len(others)} more){first.message[found.end() :]}"
        yield replace(first, message=more)


def said_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what merging found on a line where another rule found an error: it is the same, in other words."""
    every = list(findings)
    general = configuration.RULE.id
    said = {
        (finding.position.file, finding.position.line)
        for finding in every
        if finding.rule != general and finding.severity is Severity.ERROR
    }
    for finding in every:
        line = (finding.position.file, finding.position.line)
        if finding.rule != general or line not in said:
            yield finding
        if finding.rule == general:
            said.add(line)  # what follows from it is on the same line
