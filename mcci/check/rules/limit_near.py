"""A limit of GitLab nearly used up: the next service or cluster will exceed it."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.measures import measures
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="limit-near",
    summary="More than nine tenths of a limit of GitLab are used.",
    severity=Severity.WARNING,
    source="https://docs.gitlab.com/administration/instance_limits/",
)
_NEAR = 0.9
_SMALLEST = 10  # two of two levels of child pipelines are no cause for worry


def check(subject: Subject) -> Iterator[Finding]:
    """Report each measure above nine tenths of its limit, and not beyond it."""
    for measure in measures(subject):
        if measure.most >= _SMALLEST and _NEAR * measure.most < measure.used <= measure.most:
            message = f"{measure.subject} has {measure.used} {measure.unit}, near GitLab's limit of {measure.most}"
            yield RULE.finding(measure.position, message)
