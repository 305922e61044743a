"""How much of GitLab's limits the files and pipelines use: what the rules on limits, and a report of headroom, read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from mcci.check.jobs import deployment, own_needs, rules
from mcci.check.pipelines import Pipeline
from mcci.check.subject import SourceFile, Subject
from mcci.findings import Position
from mcci.pipeline import limits
from mcci.pipeline.document import List, Map


@dataclass(frozen=True, slots=True)
class Measure:
    """One use of one limit: where, of what (`job 'x'`), how many (`used`) of which `unit`, and the most allowed."""

    position: Position
    subject: str
    unit: str
    used: int
    most: int


@lru_cache(maxsize=1)
def measures(subject: Subject) -> tuple[Measure, ...]:
    """Return every use of a limit, near it or not."""
    return tuple(_measures(subject))


def _measures(subject: Subject) -> Iterator[Measure]:
    for file in subject.files:
        yield from _file(file)
    for pipeline in subject.pipelines:
        yield from _pipeline(pipeline)
    yield from _hierarchies(subject.pipelines)


def _file(file: SourceFile) -> Iterator[Measure]:
    start = Position(file=file.name)
    yield Measure(start, "the file", "bytes of text", file.size, limits.MAX_YAML_TEXT)
    yield Measure(start, "the file", "levels of nesting", _depth(file.value), limits.MAX_YAML_DEPTH)
    for name, job in file.jobs():
        who = f"job '{name}'"
        if len(name) > limits.MAX_JOB_NAME // 2 and file.content is not None:
            here = file.content.position(name)
            yield Measure(here, f"job '{name[:40]}…'", "characters of name", len(name), limits.MAX_JOB_NAME)
        parallel = job.get("parallel")
        if isinstance(parallel, Map) and isinstance(parallel.get("matrix"), List):
            here = parallel.position("matrix")
            yield Measure(here, who, "jobs of its matrix", _matrix(parallel["matrix"]), limits.MAX_MATRIX)
        for rule in rules(job):
            yield from _patterns(who, rule)


def _matrix(entries: List) -> int:
    """Return how many jobs a matrix makes: for each entry the product of its lists' lengths."""
    maps = [entry for entry in entries if isinstance(entry, Map)]
    return sum(prod(len(item) if isinstance(item, List) else 1 for item in entry.values()) for entry in maps)


def _patterns(who: str, rule: Map) -> Iterator[Measure]:
    for keyword in ("changes", "exists"):
        value = rule.get(keyword)
        paths = value.get("paths") if isinstance(value, Map) else value
        if isinstance(paths, List):
            here = rule.position(keyword)
            yield Measure(here, who, f"patterns in '{keyword}'", len(paths), limits.MAX_CHANGES)


def _depth(root: object) -> int:
    """Return how deep a value nests; a value that aliases share is looked at once, at the first place."""
    deepest, seen = 0, set()
    stack = [(root, 1)]
    while stack:
        value, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(value, Map | List) and id(value) not in seen:
            seen.add(id(value))
            items = value.values() if isinstance(value, Map) else value
            stack.extend((item, depth + 1) for item in items if isinstance(item, Map | List))
    return deepest


def _pipeline(pipeline: Pipeline) -> Iterator[Measure]:
    start = Position(file=pipeline.file)
    yield Measure(start, "the pipeline", "includes", pipeline.includes, limits.MAX_INCLUDES)
    deployments = sum(deployment(job) is not None for job in pipeline.jobs.values())
    yield Measure(start, "the pipeline", "deployments", deployments, limits.MAX_DEPLOYMENTS)
    for name, job in pipeline.jobs.items():
        listed = own_needs(job)
        if listed:
            yield Measure(job.position("needs"), f"job '{name}'", "needs", len(listed), limits.MAX_NEEDS)


def _hierarchies(pipelines: tuple[Pipeline, ...]) -> Iterator[Measure]:
    """Yield the size of each tree of parent and children, and each child that stands too deep."""
    sizes: Counter[str] = Counter()
    for pipeline in pipelines:
        top = pipeline
        while top.parent is not None:
            top = top.parent
        sizes[top.file] += 1
        if pipeline.parent is not None:
            here = pipeline.parent.position(pipeline.started_by)
            levels = "levels of child pipelines"
            yield Measure(here, f"job '{pipeline.started_by}'", levels, pipeline.depth, limits.MAX_CHILD_DEPTH)
    for file, size in sizes.items():
        yield Measure(Position(file=file), "the pipeline", "pipelines with its children", size, limits.MAX_HIERARCHY)
