"""A finding in a generated file belongs where its cause is: in the user's own `mcci.yml`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mcci.check.subject import SourceFile, Subject
from mcci.findings import Finding, Position


def at_causes(findings: Iterable[Finding], subject: Subject) -> Iterator[Finding]:
    """Yield the findings, those inside a job with a known cause at the cause, naming the generated place."""
    causes = subject.context.causes
    if not causes:
        yield from findings
        return
    starts = {file.name: _starts(file) for file in subject.files}
    for finding in findings:
        job = _job_at(starts.get(finding.position.file, []), finding.position)
        cause = causes.get((finding.position.file, job))
        if cause is None:
            yield finding
        else:
            place = f"(generated as {finding.position})"
            yield replace(finding, position=cause, help=f"{finding.help} {place}".lstrip())


def _starts(file: SourceFile) -> list[tuple[int, str]]:
    """Return the line on which each top-level key starts, in order."""
    if file.content is None:
        return []
    return [(key.start_mark.line + 1, str(key.value)) for key, _ in file.content.node.value]


def _job_at(starts: list[tuple[int, str]], position: Position) -> str:
    index = bisect_right(starts, position.line, key=lambda start: start[0])
    return starts[index - 1][1] if index else ""
