"""Keywords that a trigger job cannot have: it runs on no runner, and GitLab refuses the file."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import is_trigger, ways
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import listing
from mcci.findings import Finding, Severity
from mcci.pipeline.document import List, Map

RULE = Rule(
    id="trigger-keywords",
    summary="A trigger job has a keyword that only jobs on a runner can have.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#trigger",
)
_REFUSED = frozenset(
    {"script", "run", "services", "before_script", "after_script", "cache", "image", "artifacts", "coverage", "tags"}
    | {"retry", "timeout", "release", "secrets", "id_tokens", "hooks", "dependencies", "manual_confirmation", "pages"}
    | {"identity", "start_in"}
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at the keywords of the job and its templates; what comes from `default` is not given to trigger jobs."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            if not is_trigger(job):
                continue
            refused = sorted(_REFUSED & job.keys())
            if refused:
                message = f"trigger job '{name}' cannot have {listing(refused)}: it runs on no runner"
                yield RULE.finding(job.position(refused[0]), message)
            if any(way.when == "delayed" for way in ways(job)):
                yield RULE.finding(pipeline.position(name), f"trigger job '{name}' cannot be delayed")
            yield from _foreign_needs(name, job)


def _foreign_needs(name: str, job: Map) -> Iterator[Finding]:
    """Yield a finding for each need on a job of another pipeline."""
    needs = job.get("needs")
    for index, need in enumerate(needs if isinstance(needs, List) else ()):
        if isinstance(need, Map) and "job" in need and {"project", "pipeline"} & need.keys():
            assert isinstance(needs, List)
            yield RULE.finding(needs.position(index), f"trigger job '{name}' cannot need a job of another pipeline")
