"""`needs` on a job of a later stage: GitLab refuses the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import needs
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="needs-later-stage",
    summary="A job needs a job of a later stage.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#needs",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Compare the stages of each job and the jobs it needs, where both are known."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            for need in needs(job):
                if need.name not in pipeline.jobs:
                    continue
                own, other = pipeline.stage_index(name), pipeline.stage_index(need.name)
                if own is not None and other is not None and other > own:
                    message = (
                        f"job '{name}' of stage '{pipeline.stages[own]}' needs '{need.name}' of the later stage "
                        f"'{pipeline.stages[other]}'"
                    )
                    yield RULE.finding(need.position, message)
