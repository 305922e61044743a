"""A deployment to production without a resource group: two pipelines may deploy at once, the older one last."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import is_trigger
from mcci.check.production import deployments, position
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="production-resource-group",
    summary="Two pipelines can deploy to production at the same time.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/resource_groups/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at every job that deploys to production; a pipeline in a resource group of its own is guarded."""
    for pipeline in subject.pipelines:
        for name, job in deployments(pipeline):
            guarded = pipeline.parent is not None and "resource_group" in pipeline.parent.jobs[pipeline.started_by]
            if "resource_group" not in job and not guarded and not is_trigger(job):
                message = f"job '{name}' deploys to production without a resource_group"
                advice = "Name one for the environment, so that only one pipeline deploys at a time."
                yield RULE.finding(position(pipeline, name), message, advice)
