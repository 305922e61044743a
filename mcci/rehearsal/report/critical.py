"""The critical path of a pipeline and those below it: the chain of jobs that decided when the last one ended.

From the job that ended last it goes back, each time to the job that was waited for and ended last, down into child
pipelines and up through the trigger jobs that started them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.rehearsal.report.model import Link, Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcci.rehearsal.gitlab.model import Build, Pipeline
    from mcci.rehearsal.report.model import Family

LONGEST = 5  # waits that are named
LEAST = 0.05  # seconds: what is shorter is no wait, but the machinery between two jobs


def path(pipelines: Sequence[Pipeline], builds: Mapping[int, Sequence[Build]]) -> list[tuple[Build, Link]]:
    """Return the path, the first job first; `builds` are each pipeline's attempts by its id."""
    family = _Family(pipelines, builds)
    found: list[tuple[Build, Link]] = []
    build = _last(family.everything())
    while build is not None:
        before = _last(each for each in family.before(build) if _precedes(each, build))
        found.append((build, _link(build, before, family.begun)))
        build = before
    return found[::-1]


def longest(families: Iterable[Family]) -> tuple[Wait, ...]:
    """Return the longest times of the critical paths in which a job ran, or nothing did."""
    found: list[Wait] = []
    for family in families:
        for link in family.path:
            found.append(Wait(what=f"the job {link.job}", pipeline=link.pipeline, seconds=link.seconds))
            if link.waited_for:
                what = f"{link.waited_for}, before {link.job}"
                found.append(Wait(what=what, pipeline=link.pipeline, seconds=link.waited))
    return tuple(sorted(found, key=lambda wait: -wait.seconds)[:LONGEST])


class _Family:
    def __init__(self, pipelines: Sequence[Pipeline], builds: Mapping[int, Sequence[Build]]) -> None:
        self._by_id = {each.id: each for each in pipelines}
        self._builds = builds
        self.begun = pipelines[0].created

    def everything(self) -> Iterator[Build]:
        for pipeline in self._by_id:
            yield from (build for build in self._builds[pipeline] if not build.is_bridge)

    def before(self, build: Build) -> Iterator[Build]:
        """Yield the jobs that a job waited for: an earlier attempt, or what it needs, or what started its pipeline."""
        pipeline = build.pipeline
        tried = [each for each in self._builds[pipeline.id] if each.name == build.name and each.attempt < build.attempt]
        if tried:
            yield tried[-1]
            return
        waited = [each for each in self._builds[pipeline.id] if each.name in set(_needed(build))]
        yield from self._through(waited)
        if not waited and (bridge := self._bridge(pipeline)) is not None:
            yield from self.before(bridge)

    def _through(self, builds: Iterable[Build]) -> Iterator[Build]:
        """Yield the jobs, in a trigger job's place those of its child."""
        for build in builds:
            child = build.engine.downstream
            if not build.is_bridge:
                yield build
            elif child is not None and child.id in self._by_id:
                yield from self._through(self._builds[child.id])

    def _bridge(self, pipeline: Pipeline) -> Build | None:
        if pipeline.parent is None or pipeline.parent.id not in self._by_id:
            return None
        above = self._builds[pipeline.parent.id]
        return next((each for each in above if each.is_bridge and each.engine.downstream is pipeline.engine), None)


def _needed(build: Build) -> Iterator[str]:
    if build.planned.needs is not None:
        yield from build.planned.needs
        return
    order = {stage.name: stage.index for stage in build.pipeline.engine.stages}
    own = order[build.planned.job.stage]
    yield from (name for name, each in build.pipeline.builds.items() if order[each.planned.job.stage] < own)


def _precedes(one: Build, other: Build) -> bool:
    """Whether one had ended when the other began: an optional job may be started long after those behind it."""
    assert other.started is not None
    return one.finished is not None and one.finished <= other.started + LEAST


def _last(builds: Iterable[Build]) -> Build | None:
    ran = [each for each in builds if each.started is not None and each.finished is not None]
    return max(ran, key=lambda each: each.finished or 0.0, default=None)


def _link(build: Build, before: Build | None, begun: float) -> Link:
    assert build.started is not None
    assert build.finished is not None
    ready = before.finished if before is not None and before.finished is not None else begun
    waited = max(0.0, build.started - ready)
    return Link(
        job=build.name,
        pipeline=build.pipeline.id,
        seconds=build.finished - build.started,
        waited=waited,
        waited_for=_reason(build, ready) if waited >= LEAST else "",
    )


def _reason(build: Build, ready: float) -> str:
    """Say what a job waited for: a person where nobody had started it yet, else a free runner or its resource group."""
    queued = build.queued if build.queued is not None else ready
    by_hand = max(0.0, queued - ready)
    assert build.started is not None
    if build.started - queued > by_hand:
        return f"a runner, or {build.planned.resource_group}" if build.planned.resource_group else "a runner"
    if build.is_manual:
        return "a person"
    return "its time" if build.planned.when == "delayed" else "GitLab"
