"""A simulated pipeline as text for people and as a document for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcci.findings import Finding
from mcci.simulation.events import Event, Source
from mcci.simulation.pipelines import Pipeline, PlannedJob


def text(pipeline: Pipeline, *, why: bool = False) -> str:
    """Return the pipeline, children indented below their trigger jobs. `why` adds reasons, and the jobs left out."""
    return "\n".join(_pipeline_lines(pipeline, "", why))


def _pipeline_lines(pipeline: Pipeline, margin: str, why: bool) -> Iterator[str]:
    name = f" “{pipeline.name}”" if pipeline.name else ""
    what = "child pipeline" if pipeline.depth else "pipeline"
    if not pipeline.decision.included:
        yield f"{margin}no {what} for {event_text(pipeline.event)}: {pipeline.decision.reason}"
        for finding in pipeline.findings:
            yield f"{margin}  {finding}"
    else:
        yield f"{margin}{what}{name} for {event_text(pipeline.event)}: {_count(len(pipeline.jobs), 'job')}"
        if why:
            yield f"{margin}  ({pipeline.decision.reason})"
        yield from _stage_lines(pipeline, margin, why)
    if why and pipeline.left_out:
        yield f"{margin}  not in it:"
        for job, decision in pipeline.left_out:
            yield f"{margin}    {job.name}: {decision.reason}"


def _stage_lines(pipeline: Pipeline, margin: str, why: bool) -> Iterator[str]:
    by_stage: dict[str, list[PlannedJob]] = {stage: [] for stage in pipeline.stages}
    for planned in pipeline.jobs:
        by_stage[planned.job.stage].append(planned)
    for stage, jobs in by_stage.items():
        yield f"{margin}  {stage}"
        for planned in jobs:
            yield f"{margin}    {job_line(planned)}"
            if why:
                yield f"{margin}      why: {planned.decision.reason}"
            if planned.child is not None:
                yield from _pipeline_lines(planned.child, margin + "      ", why)
            elif planned.child_note:
                yield f"{margin}      starts a pipeline that is not shown: {planned.child_note}"


def job_line(planned: PlannedJob) -> str:
    """Return a job on one line: its name, then what is not usual about it."""
    notes: list[str] = []
    if planned.when != "on_success":
        delay = f" by {planned.start_in}" if planned.start_in else ""
        notes.append(planned.when + delay)
    if planned.when == "manual":
        notes[-1] += ", optional" if planned.allow_failure.allowed else ", blocking"
    elif planned.allow_failure.allowed:
        notes.append("may fail")
    elif planned.allow_failure.exit_codes:
        notes.append(f"may fail with exit code {', '.join(map(str, planned.allow_failure.exit_codes))}")
    if planned.needs is not None:
        notes.append(f"needs {', '.join(planned.needs)}" if planned.needs else "needs nothing")
    if planned.environment:
        notes.append(f"environment {planned.environment}")
    if planned.resource_group:
        notes.append(f"resource group {planned.resource_group}")
    if planned.job.trigger is not None:
        notes.append(f"trigger{f', strategy {planned.job.trigger.strategy}' if planned.job.trigger.strategy else ''}")
    return f"{planned.name}  ({'; '.join(notes)})" if notes else planned.name


_KINDS = {
    Source.PUSH: "a push",
    Source.TRIGGER: "a trigger",
    Source.PIPELINE: "another pipeline",
    Source.API: "the API",
    Source.SCHEDULE: "a schedule",
    Source.WEB: "a run by hand",
}


def event_text(event: Event) -> str:
    """Return an event in words."""
    request = event.merge_request
    if event.source is Source.PARENT_PIPELINE:
        return "its parent"
    if request is not None:
        origin = f"{request.fork}:{request.source}" if request.fork else request.source
        kind = "" if request.kind.value == "detached" else f" ({request.kind.value})"
        return f"a merge request from {origin} into {request.target}{kind}"
    kind = _KINDS.get(event.source, f"a {event.source.value} event")
    return f"{kind} {'of tag' if event.tag else 'to' if event.source is Source.PUSH else 'on'} {event.ref}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def document(pipeline: Pipeline) -> dict[str, Any]:
    """Return the pipeline as plain values for JSON."""
    return {
        "created": pipeline.decision.included,
        "reason": pipeline.decision.reason,
        "name": pipeline.name or None,
        "project": pipeline.project,
        "source": pipeline.event.source.value,
        "ref": pipeline.event.ref,
        "files": list(pipeline.configuration.files),
        "stages": list(pipeline.stages),
        "jobs": [_job_document(planned) for planned in pipeline.jobs],
        "left_out": [
            {
                "name": job.name,
                "stage": job.stage,
                "reason": decision.reason,
                "position": str(decision.position or job.position),
            }
            for job, decision in pipeline.left_out
        ],
        "findings": [finding_document(finding) for finding in pipeline.findings],
    }


def _job_document(planned: PlannedJob) -> dict[str, Any]:
    return {
        "name": planned.name,
        "stage": planned.job.stage,
        "when": planned.when,
        "start_in": planned.start_in,
        "allow_failure": planned.allow_failure.allowed,
        "allow_failure_exit_codes": list(planned.allow_failure.exit_codes),
        "needs": None if planned.needs is None else list(planned.needs),
        "environment": planned.environment,
        "resource_group": planned.resource_group,
        "interruptible": planned.interruptible,
        "reason": planned.decision.reason,
        "rule": None if planned.decision.rule is None else planned.decision.rule + 1,
        "position": str(planned.job.position),
        "trigger": planned.job.trigger is not None,
        "child": None if planned.child is None else document(planned.child),
        "child_note": planned.child_note or None,
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "file": finding.position.file,
        "line": finding.position.line,
        "column": finding.position.column,
        "help": finding.help,
    }
