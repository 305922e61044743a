"""Deployments to production, and whether a person stands before them: shared by the rules on production."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.jobs import deployment as deployment_of
from mcci.check.jobs import is_trigger, own_needs, ways
from mcci.check.pipelines import Pipeline
from mcci.findings import Position
from mcci.pipeline.document import Map


def deployments(pipeline: Pipeline) -> Iterator[tuple[str, Map]]:
    """Yield the jobs that deploy to a production environment and can run at all."""
    for name, job in pipeline.jobs.items():
        target = deployment_of(job)
        if target is not None and target.tier == "production" and ways(job):
            yield name, job


def position(pipeline: Pipeline, name: str) -> Position:
    """Return the place a finding on a deployment points at: its `environment`."""
    return pipeline.jobs[name].position("environment")


class Gates:
    """Which jobs of a pipeline run only after a person pressed a button."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._above = pipeline.parent is not None and Gates(pipeline.parent).gated(pipeline.started_by)
        stages = [pipeline.stage_index(name) for name, job in pipeline.jobs.items() if _pressed(job, blocking=True)]
        self._first = min((stage for stage in stages if stage is not None), default=len(pipeline.stages))

    def gated(self, name: str) -> bool:
        """Say whether a person presses job `name`, or something that it waits for, whichever way it came in.

        A job without `needs` waits for the blocking manual jobs of earlier stages; one with `needs` for those alone.
        """
        seen: set[str] = set()
        waiting = [name]
        while waiting and not self._above:
            current = waiting.pop()
            if current in seen or current not in self._pipeline.jobs:
                continue
            seen.add(current)
            job = self._pipeline.jobs[current]
            listed = own_needs(job)
            if _pressed(job) or (listed is None and self._after_gate(current)):
                return True
            waiting.extend(need.name for need in listed or () if not need.optional)
        return self._above

    def _after_gate(self, name: str) -> bool:
        stage = self._pipeline.stage_index(name)
        return stage is not None and self._first < stage


def _pressed(job: Map, *, blocking: bool = False) -> bool:
    """Say whether a person starts the job, each way it can come in (and, `blocking`, holds later stages back)."""
    found = ways(job)
    return bool(found) and all(way.when == "manual" and not (blocking and way.optional) for way in found)


def followers(pipeline: Pipeline, name: str) -> list[str]:
    """Return the jobs that name `name` in their needs and run when it succeeded."""
    return [
        other
        for other, job in pipeline.jobs.items()
        if not is_trigger(job)
        and any(need.name == name and not need.optional for need in own_needs(job) or ())
        and all(way.when in ("on_success", "manual", "delayed") for way in ways(job))
    ]
