"""From mcci.yml to the site of a service's canary: which environment, which clusters, who acts."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from mcci.canary.clusters.site import Site, nothing
from mcci.canary.state import Actor
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcci.canary.clusters.site import Clock
    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.config.canary import Canary
    from mcci.config.model import Config, Environment, Service
    from mcci.job import Job


def service_of(config: Config, name: str) -> Service:
    """Return a service. Raises `UsageError` for one that mcci.yml does not have."""
    if name not in config.services:
        near = get_close_matches(name, config.services, n=1)
        advice = f"Did you mean '{near[0]}'?" if near else f"It has {', '.join(config.services)}."
        raise UsageError(f"mcci.yml has no service '{name}'. {advice}")
    return config.services[name]


def settings_of(config: Config, service: Service) -> Canary:
    """Return how new versions of a service take over. Raises `UsageError` where they are rolled out in place."""
    found = config.canary_of(service)
    if found is None:
        raise UsageError(f"{service.name} has no canary (`canary: off` in mcci.yml): it is rolled out in place.")
    return found


def environment_of(config: Config, name: str | None) -> Environment:
    """Return the environment named, or the only production one. Raises `UsageError`."""
    if name is None:
        production = [each for each in config.environments.values() if each.is_production]
        if len(production) == 1:
            return production[0]
        names = ", ".join(each.name for each in production or config.environments.values()) or "none"
        raise UsageError(f"give --environment: canaries run in production environments, and mcci.yml has {names}.")
    if name not in config.environments:
        raise UsageError(f"mcci.yml has no environment '{name}'. It has {', '.join(config.environments) or 'none'}.")
    return config.environments[name]


def clusters_of(config: Config, environment: Environment, service: Service) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the config clusters, the leader first, and the other clusters that run a version of the service."""
    leading = config.config_clusters(environment)
    return leading, tuple(
        name for name in environment.all_clusters if service.runs_on(name) and name not in leading
    )  # fmt: skip


def actor_of(job: Job, user: str) -> Actor:
    """Return who acts: the person behind the job, or `user` at a terminal."""
    return Actor(
        who=job.who or user, pipeline=job.pipeline_id, pipeline_url=job.pipeline_url, job_url=job.url
    )  # fmt: skip


def site_of(
    config: Config,
    environment: Environment,
    service: Service,
    apis: Mapping[str, ClusterApi],
    actor: Actor,
    clock: Clock,
    log: Callable[[str], None] = nothing,
) -> Site:
    """Return the site; `apis` are the open clusters of `clusters_of`, less those that are left out."""
    leading, others = clusters_of(config, environment, service)
    return Site(
        service=service.name,
        environment=environment.name,
        namespace=config.namespace_of(environment),
        virtual_services=dict.fromkeys(leading, service.name),
        config={name: apis[name] for name in leading if name in apis},
        others={name: apis[name] for name in others if name in apis},
        actor=actor,
        clock=clock,
        log=log,
    )


def check_without(names: Sequence[str], without: Sequence[str], service: str) -> list[str]:
    """Return the clusters that are left. Raises `UsageError` for one that does not concern the service."""
    for name in without:
        if name not in names:
            raise UsageError(f"--without {name}: the traffic of {service} concerns {', '.join(names)}.")
    left = [name for name in names if name not in without]
    if not left:
        raise UsageError("--without leaves no config cluster, so there is no weight to move.")
    return left
