"""A limit of GitLab exceeded: it refuses the pipeline, or drops what is beyond."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.measures import measures
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="limit-exceeded",
    summary="A limit of GitLab is exceeded.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/administration/instance_limits/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Report each measure beyond its limit."""
    for measure in measures(subject):
        if measure.used > measure.most:
            message = f"{measure.subject} has {measure.used} {measure.unit}; GitLab takes {measure.most}"
            yield RULE.finding(measure.position, message)
