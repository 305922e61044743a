"""Rules that let a push to a merge request's branch start two pipelines, one for the branch and one for the request."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.conditions import demands
from mcci.check.jobs import rules, ways
from mcci.check.pipelines import Pipeline
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="duplicate-pipelines",
    summary="One push starts a branch pipeline and a merge-request pipeline.",
    severity=Severity.WARNING,
    source="https://docs.gitlab.com/ci/jobs/job_rules/#avoid-duplicate-pipelines",
)
_PUSH = {"CI_PIPELINE_SOURCE": "push"}
_ADVICE = "Add workflow:rules that keep one of the two (https://docs.gitlab.com/ci/yaml/workflow/)."


def check(subject: Subject) -> Iterator[Finding]:
    """Look at pipelines without `workflow:rules` for a job that comes in both ways by its plain conditions."""
    for pipeline in subject.pipelines:
        workflow = pipeline.content.get("workflow")
        if pipeline.parent is not None or not pipeline.complete or (isinstance(workflow, Map) and "rules" in workflow):
            continue
        yield from _pipeline(pipeline)


def _pipeline(pipeline: Pipeline) -> Iterator[Finding]:
    for name, job in pipeline.jobs.items():
        found = [way.rule for way in ways(job) if way.rule is not None]
        excludes = any(rule.get("when") == "never" for rule in rules(job))
        if not excludes and any(map(_merge_request, found)) and any(map(_any_push, found)):
            message = (
                f"job '{name}' runs twice for a push to a merge request's branch: for the branch and for the request"
            )
            yield RULE.finding(job.position("rules"), message, _ADVICE)


def _merge_request(rule: Map) -> bool:
    asked = demands(rule.get("if"))
    return any(case.get("CI_PIPELINE_SOURCE") == "merge_request_event" for case in asked)


def _any_push(rule: Map) -> bool:
    """Say whether the rule lets in a push to any branch: no condition, `$CI_COMMIT_BRANCH`, or a push as the source."""
    if {"changes", "exists"} & rule.keys():
        return False
    condition = rule.get("if")
    if condition is None:
        return True
    return str(condition).strip() == "$CI_COMMIT_BRANCH" or any(case == _PUSH for case in demands(condition))
