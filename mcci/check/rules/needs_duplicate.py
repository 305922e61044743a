"""The same job twice in one `needs`: GitLab refuses the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import own_needs
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="needs-duplicate",
    summary="A job needs the same job twice.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#needs",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at plain needs; several needs on one job's instances (`parallel:matrix`) are meant."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            listed = own_needs(job)
            if not listed or any(isinstance(item, Map) and "parallel" in item for item in job["needs"]):
                continue
            seen: set[str] = set()
            for need in listed:
                if need.name in seen:
                    yield RULE.finding(need.position, f"job '{name}' needs '{need.name}' twice")
                seen.add(need.name)
