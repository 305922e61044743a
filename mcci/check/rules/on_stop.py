"""`environment:on_stop` that names no job which stops that environment: GitLab refuses the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.open_values import is_open
from mcci.check.pipelines import Pipeline
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.check.words import did_you_mean
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="on-stop",
    summary="The job that should stop an environment does not.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#environmenton_stop",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Look at both sides: the job that names its stop job, and the stop job."""
    for pipeline in subject.pipelines:
        for name, job in pipeline.jobs.items():
            environment = job.get("environment")
            stop = environment.get("on_stop") if isinstance(environment, Map) else None
            if isinstance(environment, Map) and isinstance(stop, str) and not is_open(stop):
                wrong = _wrong(pipeline, environment, stop)
                if wrong:
                    message = f"job '{name}': on_stop names '{stop}', {wrong}"
                    yield RULE.finding(environment.value_position("on_stop"), message)


def _wrong(pipeline: Pipeline, environment: Map, stop: str) -> str:
    if stop not in pipeline.jobs:
        return f"which does not exist{did_you_mean(stop, pipeline.jobs)}" if pipeline.complete else ""
    other = pipeline.jobs[stop].get("environment")
    if other is None:
        return "which has no environment"
    name = other.get("name") if isinstance(other, Map) else other
    if name != environment.get("name") and not is_open(name) and not is_open(environment.get("name")):
        return f"which has another environment, '{name}'"
    action = other.get("action", "start") if isinstance(other, Map) else "start"
    return "" if action == "stop" or is_open(action) else "which lacks 'action: stop'"
