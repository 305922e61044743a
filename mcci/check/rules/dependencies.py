"""`dependencies` that name no job, a later one, or one that `needs` leaves out: GitLab refuses the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import own_needs
from mcci.check.open_values import is_open
from mcci.check.pipelines import Pipeline
from mcci.check.rule import Rule
from mcci.check.rules.needs_missing_job import exists
from mcci.check.subject import Subject
from mcci.check.words import did_you_mean
from mcci.findings import Finding, Severity
from mcci.pipeline.document import List, Map

RULE = Rule(
    id="dependencies",
    summary="A job takes artifacts from a job that does not exist, runs later, or is not among its needs.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#dependencies",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at every entry of `dependencies`, with or without `needs` beside it."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            listed = job.get("dependencies")
            if not isinstance(listed, List):
                continue
            for index, other in enumerate(listed):
                wrong = _wrong(pipeline, name, job, other) if isinstance(other, str) and not is_open(other) else ""
                if wrong:
                    message = f"job '{name}' depends on '{other}', {wrong}"
                    yield RULE.finding(listed.position(index), message)


def _wrong(pipeline: Pipeline, name: str, job: Map, other: str) -> str:
    if not exists(pipeline, other):
        return f"which does not exist{did_you_mean(other, pipeline.jobs)}" if pipeline.complete else ""
    listed = own_needs(job)
    if listed and other not in {need.name for need in listed}:
        return "which is not among its 'needs'"
    if other in pipeline.jobs:
        own, theirs = pipeline.stage_index(name), pipeline.stage_index(other)
        if own is not None and theirs is not None and theirs > own:
            return f"which runs in the later stage '{pipeline.stages[theirs]}'"
    return ""
