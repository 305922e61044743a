"""Jobs that need each other in a circle: none of them could ever start, and GitLab refuses the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import Need, needs
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity

RULE = Rule(
    id="needs-cycle",
    summary="Jobs need each other in a circle.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#needs",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Report each circle once, where it closes."""
    for pipeline in subject.pipelines:
        graph = {
            name: [need for need in needs(job) if need.name in pipeline.jobs] for name, job in pipeline.jobs.items()
        }
        for circle, need in _circles(graph):
            yield RULE.finding(need.position, f"jobs need each other in a circle: {' → '.join(circle)}")


def _circles(graph: dict[str, list[Need]]) -> Iterator[tuple[list[str], Need]]:
    """Yield the names along each circle and the need that closes it: a depth-first walk without recursion."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, Iterator[Need]]] = []
        if start not in done:
            stack.append((start, iter(graph[start])))
            path.append(start)
            on_path.add(start)
        while stack:
            name, rest = stack[-1]
            need = next(rest, None)
            if need is None:
                stack.pop()
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif need.name in on_path:
                yield [*path[path.index(need.name) :], need.name], need
            elif need.name not in done:
                stack.append((need.name, iter(graph[need.name])))
                path.append(need.name)
                on_path.add(need.name)
