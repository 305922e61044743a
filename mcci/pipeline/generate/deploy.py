"""The deployment child pipeline: stage and verify by themselves, production and canary when a person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.keys import Duration
from mcci.config.model import Canary, Environment, Gate, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcci.pipeline.dump import Value
    from mcci.pipeline.generate.build import Build
    from mcci.pipeline.generate.pipelines import Pipeline


def deploy(build: Build, path: str, services: Sequence[Service]) -> Pipeline:
    """Return the deployment pipeline in `path`, with the canaries of `services`."""
    pipeline = _begin(build, path, _stages(build))
    build.take_helm(pipeline)
    build.take_release(pipeline)
    config = build.config
    pipeline.add(build.templates["check"], {"stage": build.stage("check"), "file": path}, config.marks.at)
    for environment in config.environments.values():
        pipeline.add(
            build.templates["diff"],
            {"environment": environment.name, "stage": build.stage("check")},
            environment.marks.at,
            extends=build.rule(pipeline, "merge-request"),
        )
    release = {"stage": build.stage("release")}
    pipeline.add(build.templates["release"], release, config.marks.at, extends=build.rule(pipeline, "push"))
    gate: list[str] = []
    for environment in config.environments.values():
        gate = _environment(build, pipeline, environment, gate)
    _canaries(build, pipeline, services, "release", alone=False)
    for environment in config.environments.values():
        if environment.is_production:
            _rollbacks(build, pipeline, environment)
    return pipeline


def _canaries(build: Build, pipeline: Pipeline, services: Iterable[Service], release: Value, *, alone: bool) -> None:
    """Add the canary jobs of `services`; `release` is how they need the release.

    With `alone` the pipeline holds nothing but canaries, and was started when production was verified.
    """
    for environment in build.config.environments.values():
        if environment.is_production:
            for service in services:
                canary = build.config.canary_of(service)
                if canary and _waves_of(environment, service):
                    _canary(build, pipeline, environment, service, canary, release, alone=alone)


def canary_pipeline(build: Build, path: str, services: Sequence[Service]) -> Pipeline:
    """Return a child of the deployment pipeline with the canaries of some services."""
    pipeline = _begin(build, path, [build.stage("canary"), build.stage("rollback")])
    release = {"pipeline": "$PARENT_PIPELINE_ID", "job": "release"}
    _canaries(build, pipeline, services, release, alone=True)
    return pipeline


def last_gate(build: Build) -> list[str]:
    """Return the jobs that verify the last wave of every production environment."""
    return [
        f"verify {environment.name}/{cluster}"
        for environment in build.config.environments.values()
        if environment.is_production
        for cluster in environment.all_waves[-1]
    ]


def has_canary(build: Build, service: Service) -> bool:
    """Whether `service` has canary jobs in any environment."""
    production = [each for each in build.config.environments.values() if each.is_production]
    return build.config.canary_of(service) is not None and any(_waves_of(each, service) for each in production)


def _begin(build: Build, path: str, stages: list[str]) -> Pipeline:
    branches = build.config.branches
    pipeline = build.pipeline(path, branches.default if build.trunk else branches.deployment)
    pipeline.share(build.templates["workflow-child"], {})
    build.begin(pipeline, stages)
    return pipeline


def _stages(build: Build) -> list[str]:
    """Return the pipeline's stages: `verify` follows the last environment that needs no person."""
    config = build.config
    automatic = [name for name, environment in config.environments.items() if not environment.is_production]
    production = [name for name, environment in config.environments.items() if environment.is_production]
    stages = ["check", "release"]
    for name in config.environments:
        stages.append(name)
        if name in automatic:
            stages.append("verify" if name == automatic[-1] else f"verify-{name}")
    stages += ["canary", "rollback"] if production else []
    return [build.stage(stage) for stage in stages]


def _environment(build: Build, pipeline: Pipeline, environment: Environment, gate: list[str]) -> list[str]:
    """Add the deployments and verifications of an environment behind `gate`; return the last wave's verifications."""
    automatic = [each.name for each in build.config.environments.values() if not each.is_production]
    stage = environment.name
    verify = stage if environment.is_production else "verify" if stage == automatic[-1] else f"verify-{stage}"
    for wave in environment.all_waves:
        verified: list[str] = []
        for cluster in wave:
            values: dict[str, Value] = {
                "environment": environment.name,
                "cluster": cluster,
                "tier": environment.deployment_tier.value,
                "url": environment.url,
                "stage": build.stage(stage),
            }
            question = f"Deploy the release to {environment.name} on {cluster}?"
            needs: list[Value] = ["release", *(_after(job) for job in gate)]
            deployed = pipeline.add(
                build.templates["deploy"],
                values,
                environment.marks.at,
                extends=build.rule(pipeline, "manual" if environment.is_production else "push"),
                manual_confirmation=build.confirmation(question) if environment.is_production else None,
                needs=needs,
                id_tokens=_id_tokens(build, [cluster]),
            )
            values.pop("url")
            verified.append(
                pipeline.add(
                    build.templates["verify"],
                    {**values, "stage": build.stage(verify)},
                    environment.marks.at,
                    extends=build.rule(pipeline, "push"),
                    needs=["release", _after(deployed)],
                    id_tokens=_id_tokens(build, [cluster]),
                )
            )
        gate = verified
    return gate


def _canary(
    build: Build,
    pipeline: Pipeline,
    environment: Environment,
    service: Service,
    canary: Canary,
    release: Value,
    *,
    alone: bool,
) -> None:
    cause = service.canary.marks.at if service.canary.marks.keys else service.marks.at
    values = _canary_values(build, environment, service)
    tokens = _id_tokens(build, environment.all_clusters)
    wave = _waves_of(environment, service)[-1]
    gate = [] if alone else [f"verify {environment.name}/{cluster}" for cluster in wave]
    for weight in canary.steps:
        step = pipeline.add(
            build.templates["canary"],
            {**values, "weight": weight},
            cause,
            needs=[release, *(_after(job) for job in gate)],
            id_tokens=tokens,
            timeout=_time_to_bake(build, canary),
            **_gate(build, pipeline, canary, f"Move {weight} % of {service.name}'s traffic to the new version?"),
        )
        gate = [step]
    pipeline.add(
        build.templates["promote"],
        values,
        cause,
        needs=[release, _after(gate[0])],
        id_tokens=tokens,
        **_gate(build, pipeline, canary, f"Make the new version of {service.name} the stable one?"),
    )
    pipeline.add(
        build.templates["abort"],
        {**values, "stage": build.stage("rollback")},
        cause,
        extends=build.rule(pipeline, "optional"),
        needs=[release],
        id_tokens=tokens,
        manual_confirmation=build.confirmation(f"Give all of {service.name}'s traffic back to the stable version?"),
    )


def _canary_values(build: Build, environment: Environment, service: Service) -> dict[str, Value]:
    several = sum(each.is_production for each in build.config.environments.values()) > 1
    return {
        "service": service.name,
        "label": f"{environment.name}/{service.name}" if several else service.name,
        "option": f" --environment {environment.name}" if several else "",
        "environment": environment.name,
        "cluster": build.config.config_clusters(environment)[0],
        "tier": environment.deployment_tier.value,
        "stage": build.stage("canary"),
    }


def _gate(build: Build, pipeline: Pipeline, canary: Canary, question: str) -> dict[str, Value]:
    """Return the keywords that let a canary job begin: a person, or the success of the job before.

    That one has judged while its weight baked, so nothing is delayed.
    """
    if canary.gate is Gate.AUTOMATIC:
        return {"extends": build.rule(pipeline, "push")}
    return {"extends": build.rule(pipeline, "manual"), "manual_confirmation": build.confirmation(question)}


def _time_to_bake(build: Build, canary: Canary) -> str | None:
    """Return how long a job that stays while a weight bakes may take, where its usual time would be too short."""
    limit = build.config.runner.timeout_of("canary")
    return Duration(limit + canary.bake).words() if canary.bake > limit / 2 else None


def _rollbacks(build: Build, pipeline: Pipeline, environment: Environment) -> None:
    for cluster in environment.all_clusters:
        pipeline.add(
            build.templates["rollback"],
            {
                "environment": environment.name,
                "cluster": cluster,
                "tier": environment.deployment_tier.value,
                "url": environment.url,
                "stage": build.stage("rollback"),
            },
            environment.marks.at,
            extends=build.rule(pipeline, "optional"),
            needs=["release"],
            id_tokens=_id_tokens(build, [cluster]),
            manual_confirmation=build.confirmation(
                f"Bring the last good release back to {environment.name} on {cluster}?"
            ),
        )


def _waves_of(environment: Environment, service: Service) -> list[tuple[str, ...]]:
    """Return the waves that reach `service`, each with only the clusters it runs on."""
    runs = [tuple(name for name in wave if service.runs_on(name)) for wave in environment.all_waves]
    return [wave for wave in runs if wave]


def _after(job: str) -> Value:
    """Return a need for a job's success alone."""
    return {"job": job, "artifacts": False}


def _id_tokens(build: Build, clusters: Iterable[str]) -> Value:
    """Return the ID tokens with which a job reaches those of `clusters` that take them; None where none does."""
    tokens: dict[str, Value] = {}
    for name in clusters:
        oidc = build.config.clusters[name].oidc
        if oidc:
            tokens[f"MCCI_ID_TOKEN_{name.upper().replace('-', '_')}"] = {"aud": oidc.audience}
    return tokens or None
