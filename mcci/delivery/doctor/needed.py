"""Which rights a project needs in a namespace of a cluster: what its charts make there, by its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from mcci.clients import files as text_files
from mcci.clusters.permissions import Feature, Permission, needed
from mcci.delivery.deploy import files
from mcci.delivery.deploy.model import Chart
from mcci.delivery.deploy.namespace import APPLICATION, INJECTION, MANAGED_BY
from mcci.delivery.deploy.values import merged, values

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.config.model import Config, Environment, Service

# where in a chart's values a feature is turned on
_TURNED_ON = {
    Chart.MICROSERVICE: (
        (Feature.POLICY, ("networkPolicy", "enabled")),
        (Feature.BUDGET, ("disruptionBudget", "enabled")),
        (Feature.AUTOSCALING, ("autoscaling", "enabled")),
        (Feature.CONFIG, ("profile", "content")),
        (Feature.CONFIG, ("caBundle", "content")),
        (Feature.MIGRATION, ("migration", "enabled")),
        (Feature.EXTERNAL_SECRETS, ("externalSecrets",)),
    ),
    Chart.ISTIO: (
        (Feature.GATEWAY, ("gateway", "enabled")),
        (Feature.SERVICE_ENTRIES, ("serviceEntries",)),
        (Feature.INGRESS, ("ingressGateway", "enabled")),
    ),
}


def permissions(config: Config, root: Path, environment: Environment, cluster: str) -> tuple[Permission, ...]:
    """Return the rights that the commands need in the environment's namespace on a cluster.

    Raises `InvalidInput` for files of values that cannot be read.
    """
    return needed(features(config, root, environment, cluster))


def features(config: Config, root: Path, environment: Environment, cluster: str) -> frozenset[Feature]:
    """Return what of the charts is turned on there."""
    found: set[Feature] = set()
    routes = cluster in config.config_clusters(environment)
    if routes:
        found.add(Feature.MESH)
    charts = [Chart.MICROSERVICE, *([Chart.ISTIO] if routes else [])]
    defaults = {each: _defaults(root, config, each) for each in charts}
    for service in config.services.values():
        if not (routes or service.runs_on(cluster)):
            continue
        for chart in charts:
            if chart is Chart.ISTIO or service.runs_on(cluster):
                wanted = merged([defaults[chart], _values(config, root, environment, cluster, service, chart)])
                found |= {feature for feature, path in _TURNED_ON[chart] if _at(wanted, path)}
    return frozenset(found)


def _values(
    config: Config, root: Path, environment: Environment, cluster: str, service: Service, chart: Chart
) -> dict[str, Any]:
    own = files.service_files(root, environment, service)
    return values(chart, environment, config.clusters[cluster], service, own, ())


def _defaults(root: Path, config: Config, chart: Chart) -> dict[str, Any]:
    path = files.chart(root, config, chart).path / "values.yaml"
    found = yaml.safe_load(text_files.read(path).decode("utf-8"))
    return found if isinstance(found, dict) else {}


def _at(found: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return bool(found)


def labels(application: str) -> dict[str, str]:
    """Return the labels of the namespace, as a deploy gives them."""
    return {APPLICATION: application, MANAGED_BY: "mcci", INJECTION: "enabled"}
