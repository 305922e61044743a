"""A job that neither runs a script nor starts a pipeline: GitLab refuses the file."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.pipelines import Pipeline
from mcci.check.rule import Rule
from mcci.check.subject import GLOBAL_KEYWORDS, Subject
from mcci.check.words import did_you_mean
from mcci.findings import Finding, Severity
from mcci.pipeline.document import List, Map

RULE = Rule(
    id="job-without-script",
    summary="A job has no script, run or trigger.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#script",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at merged jobs; where an include or a template is out of reach the script may be there."""
    for pipeline in subject.pipelines:
        if pipeline.complete:
            yield from _pipeline(pipeline)


def _pipeline(pipeline: Pipeline) -> Iterator[Finding]:
    for name, job in pipeline.jobs.items():
        if not {"script", "run", "trigger"} & job.keys() and not _mirrors(job) and not _extends_unknown(pipeline, job):
            message = f"job '{name}' has no script, run or trigger"
            near = did_you_mean(name, GLOBAL_KEYWORDS)
            advice = f"D{near[3:]}" if near else f"If it is a template, name it '.{name}'."
            yield RULE.finding(pipeline.position(name), message, advice)


def _extends_unknown(pipeline: Pipeline, job: Map) -> bool:
    """Say whether a template is missing that may well have the script; another rule reports that."""
    names = job.get("extends")
    listed = names if isinstance(names, List) else [names]
    return any(isinstance(name, str) and name not in pipeline.content for name in listed)


def _mirrors(job: Map) -> bool:
    """Say whether the job mirrors another project's pipeline (`needs:pipeline` alone)."""
    needs = job.get("needs")
    items = needs if isinstance(needs, List) else [needs]
    return any(isinstance(item, Map) and "pipeline" in item for item in items)
