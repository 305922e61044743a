"""From a CI configuration to the status engine's jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.document import List, Map, Value
from mcci.pipeline.expressions import is_true
from mcci.simulation.status.model import (
    JobSpec,
    Need,
    OnJobFailure,
    OnNewCommit,
    PipelineSpec,
    Retry,
    Strategy,
    Trigger,
    When,
)
from mcci.simulation.status.soundness import problems

_GLOBAL = frozenset(
    {
        "stages",
        "variables",
        "default",
        "include",
        "workflow",
        "image",
        "services",
        "cache",
        "before_script",
        "after_script",
    }
)


def pipeline_spec(config: Map, variables: Mapping[str, str]) -> PipelineSpec:
    """Return the jobs that the configuration gives for these variables. Raises `InvalidInput`."""
    stages = [str(name) for name in config.get("stages") or ("build", "test", "deploy")]
    jobs: list[JobSpec] = []
    positions: dict[str, Position] = {}
    for name, job in config.items():
        if name in _GLOBAL or name.startswith(".") or not isinstance(job, Map):
            continue
        positions[name] = config.position(name)
        spec = _job(name, job, config, variables)
        if spec is not None:
            jobs.append(spec)
    cancel = config.get("workflow", {}).get("auto_cancel", {})
    spec_ = PipelineSpec(
        stages=(".pre", *(name for name in stages if name not in (".pre", ".post")), ".post"),
        jobs=tuple(jobs),
        on_new_commit=OnNewCommit(cancel.get("on_new_commit", "conservative")),
        on_job_failure=OnJobFailure(cancel.get("on_job_failure", "none")),
    )
    findings = [
        Finding(rule="pipeline", message=message, position=positions[job.name]) for job, message in problems(spec_)
    ]
    if findings:
        raise InvalidInput(findings)
    return spec_


def _job(name: str, job: Map, config: Map, variables: Mapping[str, str]) -> JobSpec | None:
    when = job.get("when", "on_success")
    allow = job.get("allow_failure", when == "manual")
    start_in = job.get("start_in")
    needs: Value = job.get("needs")
    if "rules" in job:
        rule = next(_matching(job["rules"], variables), None)
        if rule is None:
            return None
        when = rule.get("when", when)
        allow = rule.get("allow_failure", allow)
        start_in = rule.get("start_in", start_in)
        needs = rule.get("needs", needs)
    if when == "never":
        return None
    codes = allow.get("exit_codes") if isinstance(allow, Map) else None
    default = config.get("default", {})
    return JobSpec(
        name=name,
        stage=job.get("stage", "test"),
        when=When(when),
        allow_failure=allow is True,
        allow_failure_exit_codes=frozenset(_listed(codes)),
        needs=None if needs is None else tuple(_needs(needs)),
        start_in=None if start_in is None else seconds(str(start_in)),
        resource_group=job.get("resource_group"),
        retry=_retry(job.get("retry", default.get("retry"))),
        trigger=_trigger(job["trigger"]) if "trigger" in job else None,
        interruptible=job.get("interruptible", default.get("interruptible", False)),
    )


def _matching(rules: List, variables: Mapping[str, str]) -> Iterator[Map]:
    for rule in rules:
        if "if" not in rule or is_true(rule["if"], variables.get):
            yield rule


def _needs(needs: Value) -> Iterator[Need]:
    for need in needs if isinstance(needs, List) else [needs]:
        if isinstance(need, str):
            yield Need(job=need)
        elif isinstance(need, Map) and "job" in need and "project" not in need and "pipeline" not in need:
            yield Need(job=need["job"], optional=need.get("optional", False))


def _retry(value: Value) -> Retry:
    if isinstance(value, int):
        return Retry(max=value)
    if not isinstance(value, Map):
        return Retry()
    return Retry(
        max=value.get("max", 0),
        when=frozenset(_listed(value.get("when"))),
        exit_codes=frozenset(_listed(value.get("exit_codes"))),
    )


def _listed(value: Value) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, List) else [value]


def _trigger(value: Value) -> Trigger:
    if isinstance(value, str):
        return Trigger(project=value)
    assert isinstance(value, Map)
    return Trigger(
        project=value.get("project"),
        branch=value.get("branch"),
        strategy=Strategy(value.get("strategy", "none")),
        reference=value.get("include"),
    )


_UNITS = {
    "second": 1,
    "sec": 1,
    "s": 1,
    "minute": 60,
    "min": 60,
    "m": 60,
    "hour": 3600,
    "h": 3600,
    "day": 86400,
    "week": 604800,
}


def seconds(text: str) -> float:
    total = 0.0
    for number, unit in re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.lower()):
        total += float(number) * _UNITS.get(unit.rstrip("s") or "second", 1)
    return total
