"""How near the generated pipelines come to GitLab's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.pipeline import limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcci.pipeline.generate.pipelines import Job, Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """The nearest case to one limit: what is counted, how many there are, how many there may be, and where."""

    name: str
    used: int
    limit: int
    where: str


def headroom(
    parent: Pipeline, development: Sequence[Pipeline], deployment: Sequence[Pipeline], texts: Mapping[str, str]
) -> tuple[Headroom, ...]:
    """Return one entry a limit, for the pipeline, file or job that comes nearest to it."""
    pipelines = [parent, *development, *deployment]
    counts = {
        ("bytes of YAML in a file", limits.MAX_YAML_TEXT): [
            (len(texts[each.path].encode()), each.path) for each in pipelines
        ],
        ("pipelines in a hierarchy", limits.MAX_HIERARCHY): [
            (1 + len(each), each[0].path) for each in (development, deployment) if each
        ],
        ("deployments in a pipeline", limits.MAX_DEPLOYMENTS): [
            (sum(_deploys(job) for job in each.jobs), each.path) for each in pipelines
        ],
        ("needs of a job", limits.MAX_NEEDS): [(_length(job, "needs"), job.name) for job in _jobs(pipelines)],
        ("patterns of a job's changes", limits.MAX_CHANGES): [(_changes(job), job.name) for job in _jobs(pipelines)],
        ("characters of a job's name", limits.MAX_JOB_NAME): [(len(job.name), job.name) for job in _jobs(pipelines)],
    }
    return tuple(
        Headroom(name=name, used=used, limit=limit, where=where)
        for (name, limit), cases in counts.items()
        for used, where in [max(cases, key=lambda case: case[0])]
    )


def _jobs(pipelines: Sequence[Pipeline]) -> Iterator[Job]:
    return (job for pipeline in pipelines for job in pipeline.jobs)


def _deploys(job: Job) -> bool:
    environment = job.body.get("environment")
    return isinstance(environment, dict) and environment.get("action", "start") == "start"


def _length(job: Job, keyword: str) -> int:
    value = job.body.get(keyword)
    return len(value) if isinstance(value, list) else 0


def _changes(job: Job) -> int:
    rules = job.body.get("rules")
    found = [rule.get("changes") for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return max((len(each["paths"]) for each in found if isinstance(each, dict)), default=0)
