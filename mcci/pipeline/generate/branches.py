"""Which file goes to which branch; near GitLab's limits, the split of a child pipeline into children of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mcci.pipeline.generate.build import Build
from mcci.pipeline.generate.deploy import canary_pipeline, deploy, has_canary, last_gate
from mcci.pipeline.generate.develop import develop
from mcci.pipeline.generate.headroom import Headroom, headroom
from mcci.pipeline.generate.parent import parent
from mcci.pipeline.limits import MAX_YAML_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcci.config.model import Config, Service
    from mcci.findings import Position
    from mcci.pipeline.generate.pipelines import Pipeline

# A file is split before it comes near the limit: instances differ, and GitLab counts more than text.
ROOM = int(MAX_YAML_TEXT * 0.75)
SAMPLE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What `mcci.yml` describes, as files.

    `files` maps a branch's name to the texts of its files by path; `causes` maps (path, job) to the place in `mcci.yml`
    that made the job; `headroom` says how near each of GitLab's limits is.
    """

    files: Mapping[str, Mapping[str, str]]
    causes: Mapping[tuple[str, str], Position]
    headroom: tuple[Headroom, ...]


def generate(config: Config, templates: Mapping[str, tuple[str, str]]) -> Generated:
    """Return the files of every branch. `templates` maps a job template's name to its file's name and text.

    Raises `InvalidInput` for a template that cannot be used.
    """
    build = Build.of(config, templates)
    first = parent(build)
    development = _development(build)
    deployment = _deployment(build) if build.has_deployment else []
    branches = config.branches
    if build.trunk:
        placed = {branches.default: [first, *development, *deployment]}
    else:
        placed = {
            branches.default: [first],
            branches.development: [first, *development],
            branches.deployment: [first, *deployment],
        }
    texts = {pipeline.path: pipeline.text() for pipeline in [first, *development, *deployment]}
    return Generated(
        files={branch: {each.path: texts[each.path] for each in pipelines} for branch, pipelines in placed.items()},
        causes={(each.path, job.name): job.cause for each in [first, *development, *deployment] for job in each.jobs},
        headroom=headroom(first, development, deployment, texts),
    )


def _development(build: Build) -> list[Pipeline]:
    """Return the development pipeline, and its children when it is too large for one file."""
    services = list(build.config.services.values())
    path = build.config.files.develop
    parts = _shared_out(services, path, lambda name, some: develop(build, name, some))
    if len(parts) == 1:
        return parts
    top = develop(build, path, [])
    top.top["stages"] = [build.stage("check"), build.stage("build")]
    for number, part in enumerate(parts, 1):
        build.child(top, f"services {number}", stage=build.stage("build"), file=part.path, release=False)
    return [top, *parts]


def _deployment(build: Build) -> list[Pipeline]:
    """Return the deployment pipeline; its canaries are children of their own when they are too many for one file."""
    services = [service for service in build.config.services.values() if has_canary(build, service)]
    path = build.config.files.deploy
    whole = _in_one(services, lambda some: deploy(build, path, some))
    if whole:
        return [whole]
    parts = _shared_out(services, path, lambda name, some: canary_pipeline(build, name, some), always=True)
    top = deploy(build, path, [])
    for number, part in enumerate(parts, 1):
        build.child(
            top,
            f"canaries {number}",
            stage=build.stage("canary"),
            file=part.path,
            release=False,
            extends=build.rule(top, "push"),
            needs=last_gate(build),
            variables={"PARENT_PIPELINE_ID": "$CI_PIPELINE_ID"},
        )
    return [top, *parts]


Maker: TypeAlias = "Callable[[str, Sequence[Service]], Pipeline]"


def _in_one(services: Sequence[Service], make: Callable[[Sequence[Service]], Pipeline]) -> Pipeline | None:
    """Return the pipeline of all `services` when it has room in one file."""
    if len(services) > _fitting(services, make):
        return None
    whole = make(services)
    return whole if whole.size() <= ROOM else None


def _shared_out(services: Sequence[Service], path: str, make: Maker, *, always: bool = False) -> list[Pipeline]:
    """Return one pipeline in `path`, or pipelines `PATH/1.yml`, `PATH/2.yml`, … that share out `services` in order.

    With `always` they are shared out even when one file would do.
    """
    whole = None if always else _in_one(services, lambda some: make(path, some))
    if whole:
        return [whole]
    folder = path.rsplit(".", 1)[0]
    share = _fitting(services, lambda some: make(path, some))
    while True:
        groups = [services[start : start + share] for start in range(0, len(services), share)]
        parts = [make(f"{folder}/{number}.yml", group) for number, group in enumerate(groups, 1)]
        if share == 1 or max(part.size() for part in parts) <= ROOM:
            return parts
        share = max(1, share * 3 // 4)


def _fitting(services: Sequence[Service], make: Callable[[Sequence[Service]], Pipeline]) -> int:
    """Return about how many of `services` have room in one file, told from the first few: dumping all takes time."""
    few = services[:SAMPLE]
    if not few:
        return 1
    base = make([]).size()
    each = max(1, (make(few).size() - base) // len(few))
    return max(1, (ROOM - base) // each)
