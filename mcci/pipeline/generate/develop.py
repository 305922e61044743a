"""The development child pipeline: compile, build, test and push, each service in a chain of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.model import Service, Stack
from mcci.pipeline.limits import MAX_CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.pipeline.dump import Value
    from mcci.pipeline.generate.build import Build
    from mcci.pipeline.generate.pipelines import Pipeline

STAGES = ("check", "compile", "build", "test", "push")


def develop(build: Build, path: str, services: Iterable[Service]) -> Pipeline:
    """Return a pipeline in `path` that builds `services`."""
    services = list(services)
    branches = build.config.branches
    pipeline = build.pipeline(path, branches.default if build.trunk else branches.development)
    pipeline.share(build.templates["workflow-child"], {})
    compiled = any(service.stack is not Stack.DOCKERFILE for service in services)
    build.begin(pipeline, [build.stage(stage) for stage in STAGES if stage != "compile" or compiled])
    pipeline.share(
        build.templates[f"engine-{build.config.runner.engine.value}"], {"mirror": build.config.registry.mirror}
    )
    pipeline.add(build.templates["check"], {"stage": build.stage("check"), "file": path}, build.config.marks.at)
    here = {service.name for service in services}
    for service in services:
        _service(build, pipeline, service, here)
    return pipeline


def _service(build: Build, pipeline: Pipeline, service: Service, here: set[str]) -> None:
    """Add the chain of `service`; `here` are the services of this pipeline, which alone can be needed."""
    name, cause = service.name, service.marks.at
    when = pipeline.hide(f".when-{name}", {"rules": _rules(build, service)}, cause)
    before = [each for each in service.needed_services if each in here]
    compiled = service.stack is not Stack.DOCKERFILE
    values: dict[str, Value] = {"service": name, "path": service.folder}
    if compiled:
        needs = [
            _optional(f"compile {each}") for each in before if build.config.services[each].stack is not Stack.DOCKERFILE
        ]
        pipeline.add(
            build.templates[f"compile-{service.stack.value}"],
            {**values, "stage": build.stage("compile")},
            cause,
            extends=when,
            needs=[*needs] or None,
        )
    needs = [_optional(f"build {each}") for each in before]
    pipeline.add(
        build.templates["build"],
        {"service": name, "stage": build.stage("build")},
        cause,
        extends=when,
        needs=[f"compile {name}", *needs] if compiled else needs or None,
    )
    test = {"service": name, "stage": build.stage("test")}
    pipeline.add(build.templates["test"], test, cause, extends=when, needs=[f"build {name}"])
    push = {"service": name, "stage": build.stage("push")}
    pipeline.add(
        build.templates["push"],
        push,
        cause,
        extends=build.rule(pipeline, "push"),
        needs=[f"build {name}", f"test {name}"],
    )


def _rules(build: Build, service: Service) -> list[Value]:
    """Return when the service is built: in every push, and in a merge request that changes what it is built from."""
    patterns = changes(build, service)
    branches = build.config.branches
    target = branches.default if build.trunk else branches.development
    condition: dict[str, Value] = {"if": "$CI_MERGE_REQUEST_ID"}
    if len(patterns) <= MAX_CHANGES:
        condition["changes"] = {"paths": patterns, "compare_to": f"refs/heads/{target}"}
    return [condition, {"if": "$CI_MERGE_REQUEST_ID == null"}]


def changes(build: Build, service: Service) -> list[str]:
    """Return the patterns of what `service` is built from, its dependencies' and the configuration included."""
    folders: dict[str, None] = {}
    waiting, seen = [service.name], set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        each = build.config.services[name]
        folders |= dict.fromkeys([each.folder, each.build_context])
        folders |= dict.fromkeys(each.needed_folders)
        waiting += each.needed_services
    patterns = ["**/*" if folder in ("", ".") else f"{folder}/**/*" for folder in folders]
    return [*patterns, "mcci.yml", build.config.files.develop]


def _optional(job: str) -> Value:
    """Return a need that a merge request may leave out, when the other service is not affected."""
    return {"job": job, "optional": True}
