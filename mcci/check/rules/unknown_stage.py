"""A job in a stage that the pipeline does not have: GitLab refuses the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.open_values import is_open
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import did_you_mean, one_of
from mcci.findings import Finding, Severity

RULE = Rule(
    id="unknown-stage",
    summary="A job is in a stage that the pipeline does not have.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#stages",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look where the list of stages is known: written in the entry file, or with every include at hand."""
    for pipeline in subject.pipelines:
        if not (pipeline.complete or pipeline.own_stages) or any(map(is_open, pipeline.stages)):
            continue
        for name, job in pipeline.jobs.items():
            stage = job.get("stage", "test")
            if isinstance(stage, str) and not is_open(stage) and stage not in pipeline.stages:
                known = pipeline.stages[1:-1]
                near = did_you_mean(stage, known) or f"; it has {one_of(known)}"
                position = job.value_position("stage") if "stage" in job else pipeline.position(name)
                said = "" if "stage" in job else " (the default)"
                yield RULE.finding(position, f"job '{name}': there is no stage '{stage}'{said}{near}")
