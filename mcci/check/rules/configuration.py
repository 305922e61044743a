"""What GitLab refuses when it puts a configuration together: extends, references, includes, inputs, conditions.

The merging itself finds these things (`mcci.pipeline`); here they become findings of one rule, unless another rule has
already said so at the same place in its own words.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="configuration",
    summary="GitLab cannot put the configuration together.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/yaml_optimization/",
)
# Said by other rules here, which know when an include is out of reach.
_SAID_BY_OTHERS = frozenset(
    {"dependencies", "job", "job-script", "needs", "needs-cycle", "needs-duplicate", "needs-limit", "needs-stage"}
    | {"stage", "start-in", "unknown-keyword"}
)


def check(subject: Subject) -> Iterator[Finding]:
    """Pass on what merging found and no other rule looks for."""
    for finding in subject.refused:
        if finding.rule not in _SAID_BY_OTHERS:
            yield RULE.finding(finding.position, finding.message)
