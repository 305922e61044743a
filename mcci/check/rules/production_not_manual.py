"""A deployment to production that no person starts: any push that reaches it goes live."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.production import Gates, deployments, position
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="production-not-manual",
    summary="A deployment to production starts without a person.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/environments/deployment_safety/",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look for a manual job at the deployment itself or before it, also in the pipeline above."""
    for pipeline in subject.pipelines:
        gates: Gates | None = None
        for name, _ in deployments(pipeline):
            gates = gates or Gates(pipeline)
            if not gates.gated(name):
                message = f"job '{name}' deploys to production, and no manual job stands before it"
                advice = "Give its rules 'when: manual', or let it need a blocking manual job."
                yield RULE.finding(position(pipeline, name), message, advice)
