"""An optional manual deployment that others wait for: GitLab takes its failure as success and runs them."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import ways
from mcci.check.production import deployments, followers
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import listing
from mcci.findings import Finding, Severity

RULE = Rule(
    id="production-optional",
    summary="A manual deployment to production may fail, and the jobs that need it still run.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/jobs/job_control/#types-of-manual-jobs",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at manual deployments with `allow_failure: true` (the default outside of rules) that other jobs need."""
    for pipeline in subject.pipelines:
        for name, job in deployments(pipeline):
            if not any(way.when == "manual" and way.optional for way in ways(job)):
                continue
            waiting = followers(pipeline, name)
            if waiting:
                message = (
                    f"job '{name}' is manual with allow_failure true: when it fails, {listing(waiting, 3)} still run"
                )
                keyword = next((key for key in ("allow_failure", "when") if key in job), "rules")
                yield RULE.finding(job.position(keyword), message, "Set 'allow_failure: false'.")
