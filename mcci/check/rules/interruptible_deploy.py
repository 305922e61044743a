"""A deployment that the next push may cancel halfway, leaving the release neither old nor new."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import deployment
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="interruptible-deploy",
    summary="A deployment can be cancelled halfway by the next push.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#interruptible",
)
_LASTING = ("production", "staging")


def check(subject: Subject) -> Iterator[Finding]:
    """Look at deployments to production and staging; a review app may well be cut short."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            target = deployment(job)
            if target is not None and target.tier in _LASTING and job.get("interruptible") is True:
                message = f"job '{name}' deploys to '{target.environment}', and a new push may cancel it halfway"
                place = job.position("interruptible")
                yield RULE.finding(
                    job.position("environment"), message, f"Set 'interruptible: false' (true at {place})."
                )
