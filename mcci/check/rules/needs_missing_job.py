"""`needs` on a job that is in no part of the configuration: GitLab refuses the pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcci.check.jobs import needs
from mcci.check.pipelines import Pipeline
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import did_you_mean
from mcci.findings import Finding, Severity

RULE = Rule(
    id="needs-missing-job",
    summary="A job needs a job that does not exist.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#needs",
)
_INSTANCE = re.compile(r"(?: \d+/\d+|: \[.*\])$")


def check(subject: Subject) -> Iterator[Finding]:
    """Look at every need that is not optional, in pipelines whose every part is known."""
    for pipeline in subject.pipelines:
        if not pipeline.complete:
            continue
        for name, job in pipeline.jobs.items():
            for need in needs(job):
                if not need.optional and not exists(pipeline, need.name):
                    message = f"job '{name}' needs '{need.name}', {_why(pipeline, need.name)}"
                    yield RULE.finding(need.position, message)


def exists(pipeline: Pipeline, name: str) -> bool:
    """Say whether a need's name is a job, or one instance of a parallel job ("test 1/3", "build: [linux]")."""
    return name in pipeline.jobs or _INSTANCE.sub("", name) in pipeline.jobs


def _why(pipeline: Pipeline, name: str) -> str:
    if name.startswith(".") and name in pipeline.content:
        return "a hidden job, which never runs"
    return f"which does not exist{did_you_mean(name, pipeline.jobs)}"
