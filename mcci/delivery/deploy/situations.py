"""From what is on the clusters to what a plan is made of; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.canary.state import wanted
from mcci.canary.versions import version_of
from mcci.delivery.deploy.model import Situation, Track

if TYPE_CHECKING:
    from datetime import datetime

    from mcci.canary.state import State
    from mcci.clients.registry.reference import Reference
    from mcci.config.model import Config, Environment, Service
    from mcci.delivery.deploy.live import Live
    from mcci.delivery.deploy.model import Running


def is_in_place(config: Config, environment: Environment, service: Service) -> bool:
    """Whether new versions of `service` are rolled out at once: without a canary, and outside of production."""
    return config.canary_of(service) is None or not environment.is_production


def is_in(environment: Environment, service: Service) -> bool:
    """Whether any cluster of `environment` runs `service`."""
    return any(service.runs_on(cluster) for cluster in environment.all_clusters)


def needs_leader(config: Config, environment: Environment, service: Service, cluster: str) -> bool:
    """Whether what the mesh does with `service` is known only to another cluster, the leading config cluster."""
    routes = cluster in config.config_clusters(environment)
    return not routes and not is_in_place(config, environment, service) and is_in(environment, service)


def situation(
    config: Config, environment: Environment, service: Service, image: Reference, live: Live, leader: Live | None,
    now: datetime,
) -> Situation:  # fmt: skip
    """Return `service` as it is on the cluster of `live`; `leader` is the leading config cluster, if another."""
    cluster = live.cluster
    in_place = is_in_place(config, environment, service)
    routes = cluster in config.config_clusters(environment)
    truth = live if routes or leader is None else leader
    state = (live.state(service.name) if routes else None) or truth.state(service.name)
    running = live.running(service.name)
    stable = state.stable if state else _stable(running)
    return Situation(
        service=service.name,
        image=image,
        version=version_of(image.digest),
        in_place=in_place,
        runs_stable=service.runs_on(cluster) if in_place else _placed(service.clusters, cluster),
        runs_canary=_placed(service.canary.clusters or service.clusters, cluster),
        named=len(environment.all_clusters) > 1,
        routes=routes,
        running=running,
        stable=stable,
        canary=state.canary if state else "",
        weights=truth.weights(service.name),
        subsets=live.subsets(service.name),
        expired=_expired(state, running, live.subsets(service.name), now),
    )


def _placed(clusters: tuple[str, ...], cluster: str) -> bool:
    return not clusters or cluster in clusters


def _stable(running: tuple[Running, ...]) -> str:
    """Return the version that releases call stable, where no state tells."""
    return next((each.version for each in running if each.version and each.track is Track.STABLE), "")


def _expired(
    state: State | None, running: tuple[Running, ...], subsets: tuple[str, ...], now: datetime
) -> frozenset[str]:
    if state is None:
        return frozenset()
    known = {each.version for each in running if each.version} | set(subsets)
    return frozenset(known - set(wanted(state, now)))
