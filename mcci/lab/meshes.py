"""Which clusters of a lab are one mesh: those of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.lab.plan import Mesh

if TYPE_CHECKING:
    from collections.abc import Collection

    from mcci.config.model import Config
    from mcci.lab.plan import Plan

# by environment: its clusters, and those that hold the Istio objects
DEFAULT: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("stage", ("stage-aws",), ("stage-aws",)),
    ("production", ("prod-aws", "prod-azure"), ("prod-aws",)),
)


def of(config: Config | None, clusters: Collection[str]) -> tuple[Mesh, ...]:
    """Return the meshes of the `clusters` that run; without a configuration, stage and production."""
    known = list(DEFAULT)
    if config is not None:
        known = [(name, each.all_clusters, config.config_clusters(each)) for name, each in config.environments.items()]
    found = []
    for name, members, config_clusters in known:
        here = tuple(each for each in members if each in clusters)
        if here:
            leading = tuple(each for each in config_clusters if each in here) or here[:1]
            found.append(Mesh(name=name, clusters=here, config=leading))
    return tuple(found)


def callers(config: Config | None, plan: Plan) -> str:
    """Return the cluster that callers are in unless they say otherwise: production's first, or the lab's."""
    production = {"production"}
    if config is not None:
        production = {name for name, each in config.environments.items() if each.is_production}
    of_production = [each.clusters[0] for each in plan.meshes if each.name in production]
    return next(iter((*of_production, *plan.clusters)))
