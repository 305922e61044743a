"""The rules of `mcci.yml` that look across keys: a table of small functions from the configuration to its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.rules import clouds, deliveries, project, ranges, services

if TYPE_CHECKING:
    from mcci.config.model import Config
    from mcci.findings import Finding

RULES = (
    project.branches,
    project.files,
    project.gitlab,
    project.stages,
    project.registry,
    project.runner,
    project.folders,
    services.some,
    services.paths,
    services.images,
    services.ports,
    services.clusters,
    services.dependencies,
    clouds.environments,
    clouds.namespaces,
    clouds.clusters,
    clouds.access,
    clouds.mesh,
    clouds.network,
    ranges.cluster_ranges,
    ranges.rancher,
    deliveries.steps,
    deliveries.judge,
)


def validate(config: Config) -> list[Finding]:
    """Return what is wrong with `config` although each key alone is right."""
    return [finding for rule in RULES for finding in rule(config)]
