"""`only`, `except` or the job's own `start_in` beside `rules`: GitLab refuses the job."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="rules-and-only",
    summary="A job mixes 'rules' with 'only' or 'except'.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#rules",
)
_EXCLUDED = ("only", "except", "start_in")


def check(subject: Subject) -> Iterator[Finding]:
    """Look at merged jobs: the two often come from a job and from its template."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            if job.get("rules") is None:
                continue
            for keyword in _EXCLUDED:
                if job.get(keyword) is not None:
                    message = f"job '{name}' has both 'rules' and '{keyword}'"
                    advice = f"Make '{keyword}' (at {job.position(keyword)}) a part of the rules."
                    yield RULE.finding(job.position("rules"), message, advice)
