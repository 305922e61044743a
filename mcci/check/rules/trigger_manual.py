"""A trigger job that waits for a person: only GitLab's page can start it, never its API (nor `mcci`, nor glab)."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import is_trigger, ways
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="trigger-manual",
    summary="A manual trigger job cannot be started over the API.",
    severity=Severity.WARNING,
    source="https://docs.gitlab.com/ci/yaml/#trigger",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at trigger jobs that any rule makes manual."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            if is_trigger(job) and any(way.when == "manual" for way in ways(job)):
                message = f"trigger job '{name}' is manual: it can be started in GitLab's page, not over its API"
                advice = "Put the manual step on a script job, inside the pipeline it starts."
                yield RULE.finding(pipeline.position(name), message, advice)
