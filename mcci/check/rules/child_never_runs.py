"""A child pipeline whose rules ask for the parent's source: there it is always `parent_pipeline`, so nothing runs.

GitLab then fails the trigger job: the downstream pipeline has no jobs.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.conditions import impossible
from mcci.check.jobs import rules, ways
from mcci.check.pipelines import Pipeline
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Position, Severity
from mcci.pipeline.document import List, Map

RULE = Rule(
    id="child-never-runs",
    summary="A child pipeline, or a job in it, can never run.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/pipelines/downstream_pipelines/#run-child-pipelines-with-merge-request-pipelines",
)
_SOURCE = {"CI_PIPELINE_SOURCE": "parent_pipeline"}
_ADVICE = (
    "In a child pipeline CI_PIPELINE_SOURCE is always 'parent_pipeline'; "
    "ask for $CI_MERGE_REQUEST_ID or $CI_COMMIT_BRANCH."
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at child pipelines: whether they have jobs, whether the workflow lets them start, then at each job."""
    for pipeline in subject.pipelines:
        if pipeline.parent is None:
            continue
        if not pipeline.jobs:
            if pipeline.complete:
                message = "the child pipeline has no jobs, and GitLab fails the trigger job that starts it"
                yield RULE.finding(Position(file=pipeline.file), message)
            continue
        blocked = _blocked_workflow(pipeline)
        if blocked is not None:
            yield RULE.finding(blocked, "no rule of the workflow lets this child pipeline start", _ADVICE)
            continue
        yield from _jobs(pipeline)


def _blocked_workflow(pipeline: Pipeline) -> Position | None:
    workflow = pipeline.content.get("workflow")
    if not isinstance(workflow, Map) or not isinstance(workflow.get("rules"), List):
        return None
    open_ways = [rule for rule in rules(workflow) if rule.get("when") != "never"]
    if any(not impossible(rule.get("if"), _SOURCE) for rule in open_ways):
        return None
    return workflow.position("rules")


def _jobs(pipeline: Pipeline) -> Iterator[Finding]:
    for name, job in pipeline.jobs.items():
        found = ways(job)
        asked = [way.rule for way in found if way.rule is not None]
        if asked and all(impossible(rule.get("if"), _SOURCE) for rule in asked):
            yield RULE.finding(job.position("rules"), f"job '{name}' can never run in this child pipeline", _ADVICE)
        elif _only_merge_requests(job):
            message = f"job '{name}' can never run in this child pipeline: 'only: merge_requests' does not work there"
            yield RULE.finding(job.position("only"), message, "Use rules with $CI_MERGE_REQUEST_ID.")


def _only_merge_requests(job: Map) -> bool:
    only = job.get("only")
    refs = only.get("refs") if isinstance(only, Map) else only
    return isinstance(refs, List) and list(refs) == ["merge_requests"]
