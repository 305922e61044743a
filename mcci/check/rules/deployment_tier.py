"""A `deployment_tier` that GitLab does not know: it refuses the file, and its schema does not say so."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import did_you_mean, one_of
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="deployment-tier",
    summary="An environment has a tier that GitLab does not know.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#environmentdeployment_tier",
)
TIERS = ("production", "staging", "testing", "development", "other")


def check(subject: Subject) -> Iterator[Finding]:
    """Look at every `environment:deployment_tier`; one with a variable or an input is known only later."""
    for file in subject.files:
        for name, job in file.jobs():
            environment = job.get("environment")
            tier = environment.get("deployment_tier") if isinstance(environment, Map) else None
            if isinstance(tier, str) and "$" not in tier and tier not in TIERS:
                assert isinstance(environment, Map)
                near = did_you_mean(tier, TIERS) or f"; it must be {one_of(TIERS)}"
                message = f"job '{name}': '{tier}' is no deployment tier{near}"
                yield RULE.finding(environment.value_position("deployment_tier"), message)
