"""The report of a rehearsal that is over, from its steps and what the local GitLab keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcci.rehearsal.report import archives, critical
from mcci.rehearsal.report.model import Canary, Environment, Family, Job, Pipeline, Release, Report, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcci.rehearsal.gitlab.instance import GitLab
    from mcci.rehearsal.gitlab.model import Build
    from mcci.rehearsal.gitlab.model import Environment as Deployed
    from mcci.rehearsal.gitlab.model import Pipeline as Played
    from mcci.rehearsal.play.rehearsal import Result
    from mcci.rehearsal.report.model import Image


def collect(result: Result, gitlab: GitLab) -> Report:
    """Return the report of `result`, which was played on `gitlab`."""
    with gitlab.lock:
        pipelines = list(gitlab.pipelines.values())
        attempts = {each.id: _attempts(each, gitlab.builds.values()) for each in pipelines}
        environments = list(gitlab.environments)
    said = {build.id: list(archives.documents(build)) for builds in attempts.values() for build in builds}
    releases = _releases(attempts, said)
    named = {id: each.name for each in releases for id in each.pipelines}
    steps = tuple(
        Step(title=each.step.title, action=each.step.action.value, began=each.began, seconds=each.seconds,
             said=each.said, error=each.error)
        for each in result.steps
    )  # fmt: skip
    families = tuple(_families(pipelines, attempts))
    begun = [*(each.began for each in steps), *(each.created for each in pipelines)]
    return Report(
        title=result.scenario.title,
        description=result.scenario.description.strip(),
        scenario=result.scenario.file.rpartition("/")[2],
        passed=result.passed,
        error=result.error,
        began=min(begun, default=0.0),
        seconds=result.seconds,
        steps=steps,
        families=families,
        waits=critical.longest(families),
        releases=releases,
        environments=tuple(_environment(each, named) for each in sorted(environments, key=lambda each: each.id)),
        canaries=_canaries(attempts, said),
    )


def _attempts(pipeline: Played, builds: Iterable[Build]) -> list[Build]:
    order = {stage.name: stage.index for stage in pipeline.engine.stages}
    own = [each for each in builds if each.pipeline is pipeline]
    return sorted(own, key=lambda each: (order[each.planned.job.stage], each.id))


def _families(pipelines: Sequence[Played], attempts: Mapping[int, Sequence[Build]]) -> Iterator[Family]:
    for root in pipelines:
        if root.parent is None:
            members = list(_below(root, pipelines))
            path = critical.path(members, attempts)
            on_path = {build.id for build, _ in path}
            yield Family(
                pipelines=tuple(_pipeline(each, attempts[each.id], on_path) for each in members),
                path=tuple(link for _, link in path),
            )


def _below(pipeline: Played, pipelines: Sequence[Played]) -> Iterator[Played]:
    yield pipeline
    for each in pipelines:
        if each.parent is pipeline:
            yield from _below(each, pipelines)


def _pipeline(found: Played, builds: Sequence[Build], critical: set[int]) -> Pipeline:
    return Pipeline(
        id=found.id, name=found.name, ref=found.ref, sha=found.sha, source=found.source, status=found.status.value,
        by=found.user.name, created=found.created, finished=found.finished,
        parent=found.parent.id if found.parent else None,
        jobs=tuple(replace(_job(each), critical=each.id in critical) for each in builds),
    )  # fmt: skip


def _job(found: Build) -> Job:
    return Job(
        id=found.id, name=found.name, stage=found.planned.job.stage, status=found.status.value, attempt=found.attempt,
        retried=found.retried, manual=found.is_manual, bridge=found.is_bridge, queued=found.queued,
        started=found.started, finished=found.finished, by=(found.user or found.pipeline.user).name,
        failure_reason=found.failure_reason, exit_code=found.exit_code,
    )  # fmt: skip


def _releases(
    attempts: Mapping[int, Sequence[Build]], said: Mapping[int, list[tuple[str, dict[str, object]]]]
) -> tuple[Release, ...]:
    found: dict[tuple[str, tuple[Image, ...]], list[int]] = {}
    for pipeline, builds in attempts.items():
        for build in builds:
            one = archives.release(said[build.id])
            if one is not None and pipeline not in found.setdefault(one, []):
                found[one].append(pipeline)
    return tuple(Release(name=name, pipelines=tuple(ids), images=images) for (name, images), ids in found.items())


def _canaries(
    attempts: Mapping[int, Sequence[Build]], said: Mapping[int, list[tuple[str, dict[str, object]]]]
) -> tuple[Canary, ...]:
    """Return each service's canary as the last job that wrote of it has left it."""
    builds = sorted((each for all_ in attempts.values() for each in all_), key=lambda each: each.finished or 0.0)
    found = {each.service: each for build in builds for each in archives.canaries(said[build.id])}
    return tuple(found.values())


def _environment(found: Deployed, releases: Mapping[int, str]) -> Environment:
    last = found.last
    build = last.build if last else None
    return Environment(
        name=found.name, tier=found.tier, url=found.url, state=found.state,
        release=releases.get(build.pipeline.id, "") if build else "",
        job=build.name if build else "",
        pipeline=build.pipeline.id if build else None,
        by=(build.user or build.pipeline.user).name if build else "",
        at=(build.finished or last.created) if build and last else None,
        newest=found.deployments[-1].status if found.deployments else "",
    )  # fmt: skip
