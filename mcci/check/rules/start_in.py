"""`when: delayed` and `start_in` come together or not at all: GitLab refuses one without the other."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import rules
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="start-in",
    summary="A delayed job says no delay, or a delay stands at a job that is not delayed.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#start_in",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at merged jobs and at each of their rules."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            holders = rules(job) if job.get("rules") is not None else [job]
            for holder in holders:
                yield from _holder(name, holder)


def _holder(name: str, holder: Map) -> Iterator[Finding]:
    delayed, start = holder.get("when") == "delayed", holder.get("start_in")
    if delayed and start is None:
        yield RULE.finding(holder.value_position("when"), f"job '{name}' is delayed, but 'start_in' is missing")
    if start is not None and not delayed:
        yield RULE.finding(holder.position("start_in"), f"job '{name}' has 'start_in' without 'when: delayed'")
