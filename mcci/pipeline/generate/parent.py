"""The parent pipeline: the same file on every branch; it runs the branch's child, then delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.pipeline.generate.build import NO_RELEASE, Build

if TYPE_CHECKING:
    from mcci.pipeline.dump import Value
    from mcci.pipeline.generate.pipelines import Pipeline


def parent(build: Build) -> Pipeline:
    """Return the parent pipeline of the configured layout."""
    config = build.config
    pipeline = build.pipeline(config.files.parent, config.branches.default)
    if build.has_deployment:
        build.take_release(pipeline)
    if config.include:
        pipeline.top["include"] = [_included(build, path) for path in config.include]
    names = {"default": config.branches.default}
    if build.trunk:
        pipeline.share(build.templates["workflow-trunk"], names)
        _trunk(build, pipeline)
    else:
        names |= {"development": config.branches.development, "deployment": config.branches.deployment}
        pipeline.share(build.templates["workflow-three-branch"], names)
        _three_branch(build, pipeline)
    return pipeline


def _three_branch(build: Build, pipeline: Pipeline) -> None:
    branches, files = build.config.branches, build.config.files
    first, second = build.stage("pipeline"), build.stage("deliver")
    build.begin(pipeline, [first, second] if build.has_deployment else [first])
    pipeline.add(
        build.templates["check-branches"], {"stage": first}, build.config.marks.at, rules=_on(branches.default)
    )
    rules = _on(branches.development)
    build.child(pipeline, branches.development, stage=first, file=files.develop, release=False, rules=rules)
    if build.has_deployment:
        rules = _on(branches.deployment)
        build.child(pipeline, branches.deployment, stage=first, file=files.deploy, release=True, rules=rules)
        push = f'$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "{branches.development}"'
        pipeline.add(build.templates["deliver"], {"stage": second}, build.config.marks.at, rules=[{"if": push}])


def _trunk(build: Build, pipeline: Pipeline) -> None:
    files = build.config.files
    first, second = build.stage("pipeline"), build.stage("deliver")
    pipeline.top["stages"] = [first, second] if build.has_deployment else [first]
    # A release that is named is built already.
    named = f'$MCCI_RELEASE && $MCCI_RELEASE != "{NO_RELEASE}"'
    unbuilt: list[Value] = [{"if": named, "when": "never"}, {"when": "on_success"}]
    build.child(
        pipeline,
        "development",
        stage=first,
        file=files.develop,
        release=False,
        rules=unbuilt if build.has_deployment else None,
    )
    if build.has_deployment:
        build.child(pipeline, "deployment", stage=second, file=files.deploy, release=True)


def _on(branch: str) -> list[Value]:
    """Return the rules of a job that belongs to `branch`: pushed to, or the target of a merge request."""
    return [
        {"if": f'$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "{branch}"'},
        {"if": f'$CI_COMMIT_BRANCH == "{branch}"'},
    ]


def _included(build: Build, path: str) -> dict[str, Value]:
    """Return the include of a hand-written file, which with three branches need not be on each of them."""
    if build.trunk:
        return {"local": path}
    return {"local": path, "rules": [{"exists": [path]}]}
