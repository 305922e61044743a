"""Why: what each part of an expression is, which rule decided a job, and which lines its keywords come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.expressions import ExpressionError, Lookup, Node, Result, parse, present
from mcci.pipeline.expressions.nodes import Variable
from mcci.pipeline.expressions.patterns import Pattern
from mcci.pipeline.jobs import Job
from mcci.pipeline.rules import Clause, Rule, failing_clause
from mcci.simulation.pipelines import Decision, Pipeline, describe_rule


def value_text(value: Result) -> str:
    """Return a value of the expression language as that language writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Pattern):
        return value.source
    return f'"{value}"'


def expression_lines(text: str, lookup: Lookup) -> list[str]:
    """Return `true` or `false`, then the value of each part, inner parts indented.

    Raises `ExpressionError` for what is no expression.
    """
    node = parse(text)
    return ["true" if present(node.evaluate(lookup)) else "false", *part_lines(node, lookup)]


def part_lines(node: Node, lookup: Lookup, margin: str = "  ") -> Iterator[str]:
    """Yield a line for a part and one for each part in it: its text, and its value."""
    if isinstance(node, Variable) or node.parts:
        yield f"{margin}{node.source} → {value_text(node.evaluate(lookup))}"
    for part in node.parts:
        yield from part_lines(part, lookup, margin + "  ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One rule as it was tried: `failed` is the first clause that did not hold, None where the rule matched."""

    index: int
    rule: Rule
    failed: Clause | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A job in (or out of) one pipeline, the rules as they were tried, up to the one that matched."""

    pipeline: Pipeline
    job: Job
    decision: Decision
    traces: tuple[Trace, ...]


def places(pipeline: Pipeline, name: str) -> Iterator[Place]:
    """Yield where a job stands in a pipeline and those below it: by its name, or its name in the file."""
    for one in pipeline.all_pipelines():
        decided = [(planned.job, planned.decision) for planned in one.jobs] + list(one.left_out)
        known = {job.name for job, _ in decided}
        for job, decision in decided:
            if name in (job.name, job.group):
                yield Place(pipeline=one, job=job, decision=decision, traces=tuple(_traces(one, job)))
        for job in one.configuration.jobs.values():
            if job.name not in known and name in (job.name, job.group):
                reason = f"there is no such pipeline: {one.decision.reason}"
                decision = Decision(included=False, reason=reason, position=one.decision.position)
                yield Place(pipeline=one, job=job, decision=decision, traces=())


def _traces(pipeline: Pipeline, job: Job) -> Iterator[Trace]:
    circumstances = pipeline.circumstances
    if job.rules is None or circumstances is None:
        return
    lookup = circumstances.scope_of(job).get
    for index, rule in enumerate(job.rules):
        failed = failing_clause(rule, lookup, circumstances.world)
        yield Trace(index=index, rule=rule, failed=failed, lines=tuple(_clause_lines(rule, failed, pipeline, lookup)))
        if failed is None:
            return


def _clause_lines(rule: Rule, failed: Clause | None, pipeline: Pipeline, lookup: Lookup) -> Iterator[str]:
    if rule.condition is not None:
        try:
            yield from part_lines(parse(rule.condition), lookup, "")
        except ExpressionError as error:
            yield f"not an expression: {error}"
    if failed is Clause.IF or pipeline.circumstances is None:
        return
    if rule.changes is not None:
        changed = pipeline.circumstances.world.changed_paths(None)
        if failed is Clause.CHANGES:
            yield f"changed: {_few(changed or ())}; none is one of {', '.join(rule.changes.paths)}"
        elif changed is None:
            yield "changes holds: no difference is known (a new branch, a tag, a schedule, or --changes left out)"
        else:
            yield f"changes holds: {_few(changed)}"
    if rule.exists is not None and failed is not Clause.CHANGES:
        yield f"exists {'does not hold' if failed is Clause.EXISTS else 'holds'}: {', '.join(rule.exists.paths)}"


def _few(paths: tuple[str, ...]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "") or "nothing"


def origins(job: Job) -> Iterator[tuple[str, Position]]:
    """Yield the job's keywords and where each stands, parts of merged mappings too (`variables:A`)."""
    yield from _origins(job.keywords, "")


def _origins(keywords: Map, prefix: str) -> Iterator[tuple[str, Position]]:
    for key, value in keywords.items():
        if isinstance(value, Map) and value.origins is not None:
            yield from _origins(value, f"{prefix}{key}:")
        else:
            yield f"{prefix}{key}", keywords.position(key)


def bases(job: Job) -> Iterator[tuple[str, Position]]:
    """Yield the jobs that this one extends, nearest first, and where they stand."""
    seen: set[str] = set()
    waiting = _names(job.root.get(job.group))
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        yield name, job.root.position(name)
        waiting = _names(job.root.get(name)) + waiting


def _names(entry: Any) -> list[str]:
    """Return what an entry says it extends itself: in a merged mapping, its own word."""
    value = entry.get("extends") if isinstance(entry, Map) else None
    return [value] if isinstance(value, str) else [str(name) for name in value] if isinstance(value, List) else []


def text(job: Job, found: list[Place]) -> str:
    """Return a job's story: where it is written, what it is made of, and each pipeline it is or is not in."""
    return "\n".join(_lines(job, found))


def _lines(job: Job, found: list[Place]) -> Iterator[str]:
    yield f"{job.group}  {job.position}"
    for name, position in bases(job):
        yield f"  extends {name}  {position}"
    yield "  its keywords:"
    for keyword, position in origins(job):
        yield f"    {keyword}  {position}"
    for place in found:
        yield from _place_lines(place)


def _place_lines(place: Place) -> Iterator[str]:
    from mcci.simulation.report import event_text

    kind = "child pipeline" if place.pipeline.depth else "pipeline"
    verdict = "is in" if place.decision.included else "is not in"
    files = place.pipeline.configuration.file
    yield f"  {place.job.name} {verdict} the {kind} of {files} for {event_text(place.pipeline.event)}:"
    yield f"    {place.decision.reason}"
    for trace in place.traces:
        outcome = "matches" if trace.failed is None else f"does not match: {trace.failed.value} does not hold"
        yield f"    rule {trace.index + 1} ({trace.rule.position}) {outcome}: {describe_rule(trace.rule)}"
        for line in trace.lines:
            yield f"      {line}"


def document(job: Job, found: list[Place]) -> dict[str, Any]:
    """Return the story as plain values for JSON."""
    return {
        "job": job.group,
        "position": str(job.position),
        "extends": [{"name": name, "position": str(position)} for name, position in bases(job)],
        "keywords": [{"keyword": keyword, "position": str(position)} for keyword, position in origins(job)],
        "pipelines": [
            {
                "file": place.pipeline.configuration.file,
                "source": place.pipeline.event.source.value,
                "ref": place.pipeline.event.ref,
                "name": place.job.name,
                "included": place.decision.included,
                "reason": place.decision.reason,
                "rules": [
                    {
                        "rule": trace.index + 1,
                        "position": str(trace.rule.position),
                        "text": describe_rule(trace.rule),
                        "matches": trace.failed is None,
                        "failed": None if trace.failed is None else trace.failed.value,
                        "parts": list(trace.lines),
                    }
                    for trace in place.traces
                ],
            }
            for place in found
        ],
    }
