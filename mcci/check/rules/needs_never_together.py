"""A job that needs another which is never in the same pipeline: GitLab refuses each pipeline with the first."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.conditions import demands
from mcci.check.jobs import needs, ways
from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="needs-never-together",
    summary="A job needs a job that is never in the same pipeline.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/yaml/#needsoptional",
)
_MOST = 32


def check(subject: Subject) -> Iterator[Finding]:
    """Compare what the rules of the two demand of variables; conditions that only overlap are left to the proofs."""
    for pipeline in subject.pipelines:
        cases: dict[str, list[dict[str, str]]] = {}
        for name, job in pipeline.jobs.items():
            for need in needs(job):
                if need.optional or need.name not in pipeline.jobs:
                    continue
                for one in (name, need.name):
                    if one not in cases:
                        cases[one] = _cases(pipeline.jobs[one])
                if _apart(cases[name], cases[need.name]):
                    message = f"job '{name}' needs '{need.name}', but their rules never let both into one pipeline"
                    yield RULE.finding(
                        need.position, message, "Add 'optional: true', or give both the same conditions."
                    )


def _cases(job: Map) -> list[dict[str, str]]:
    if not ways(job):
        return []
    return [case for way in ways(job) for case in demands(way.rule.get("if") if way.rule is not None else None)]


def _apart(one: list[dict[str, str]], other: list[dict[str, str]]) -> bool:
    """Say whether each case of the one contradicts each of the other; a job with very many cases is left alone."""
    if not one or not other or len(one) > _MOST or len(other) > _MOST:
        return False
    return all(any(name in b and b[name] != value for name, value in a.items()) for a in one for b in other)
