"""Which images a deploy wants: the release's, held against mcci.yml, or those that the environment recorded; pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from mcci.delivery import registries
from mcci.delivery.deploy.record import Good, Recorded
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcci.clients.registry.reference import Reference
    from mcci.config.model import Config, Environment, Service
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.model import ServicePlan
    from mcci.delivery.deploy.session import Session
    from mcci.delivery.release.model import Release


def environment(config: Config, name: str) -> Environment:
    """Return the environment called `name`. Raises `UsageError`."""
    if name not in config.environments:
        raise UsageError(_unknown("environment", name, config.environments))
    return config.environments[name]


def clusters(where: Environment, name: str | None) -> tuple[tuple[str, ...], ...]:
    """Return the waves of clusters: all, or the one named. Raises `UsageError`."""
    if name is None:
        if not where.all_waves:
            raise UsageError(
                f"the environment '{where.name}' of mcci.yml has no clusters: there is nothing to deploy to."
            )
        return where.all_waves
    if name not in where.all_clusters:
        raise UsageError(_unknown(f"environment '{where.name}' with a cluster", name, where.all_clusters))
    return ((name,),)


def services(config: Config, names: Sequence[str]) -> tuple[Service, ...]:
    """Return the services called `names`, each once; all where there are none. Raises `UsageError`."""
    for name in names:
        if name not in config.services:
            raise UsageError(_unknown("service", name, config.services))
    return tuple(config.services[name] for name in dict.fromkeys(names or config.services))


def check(config: Config, release: Release, wanted: Sequence[Service]) -> None:
    """Raise `UsageError` where a release is not one of this application: other services, or images from elsewhere."""
    if not release.name and not release.images:
        return
    strange = [name for name in release.images if name not in config.services]
    if strange:
        raise UsageError(
            f"release.json is of another application: it has {', '.join(strange)}, and mcci.yml has "
            f"{', '.join(config.services)}. `mcci release resolve` writes it anew."
        )
    for service in wanted:
        found = release.images.get(service.name)
        if found is None:
            raise UsageError(
                f"release.json has no image of {service.name}. `mcci release resolve` writes it anew, whole."
            )
        where = registries.release_repository(config, service)
        if found.image.name != where.name:
            raise UsageError(
                f"release.json names {found.image.name} for {service.name}, but mcci.yml releases it to {where.name}. "
                "It was edited, or is of another application: `mcci release resolve` writes it anew."
            )


def image(session: Session, service: Service, live: Live) -> Reference:
    """Return the image that `service` is to run on a cluster. Raises `UsageError` where nothing tells."""
    found = session.release.images.get(service.name)
    if found:
        return found.image
    recorded = live.record.now.images.get(service.name) if live.record else None
    if recorded is None:
        raise UsageError(
            f"{live.cluster}: no release is given, and none of {service.name} is recorded in the environment "
            f"'{session.environment.name}'. Give one: `mcci release resolve RELEASE`."
        )
    return recorded.image


def good(session: Session, plans: Iterable[ServicePlan]) -> Good:
    """Return what the record has of this deploy."""
    images = session.release.images
    return Good(
        release=session.release.name,
        pipeline=session.job.pipeline_id,
        pipeline_url=session.job.pipeline_url,
        images={
            plan.service: Recorded(
                image=plan.image,
                version=plan.version,
                commit=images[plan.service].commit if plan.service in images else "",
            )
            for plan in plans
        },
    )


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, n=1)
    advice = f"Did you mean '{near[0]}'?" if near else f"It has {', '.join(names) or 'none'}."
    return f"mcci.yml has no {what} '{name}'. {advice}"
