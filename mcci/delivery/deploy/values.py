"""The values of a release: chart < environment < cluster < service < `--set`, then what the release decides; pure.

The service's own are its `values` in mcci.yml, which may come from `defaults`, and over them `<service>/values.yml`.
What mcci.yml says elsewhere (ports, health, cloud, profile) comes first of all, right over the chart's. Mappings are
merged key by key and lists replaced, as Helm does it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.config.model import Cloud
from mcci.delivery.deploy.model import Chart
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcci.config.model import Cluster, Environment, Service

Values = dict[str, Any]
PERIOD = 2  # seconds between two startup probes, as the chart has it
# what no file may say otherwise: the release decides it
OWN = {
    Chart.MICROSERVICE: (("app",), ("version",), ("track",), ("parts",), ("image", "repository"), ("image", "digest")),
    Chart.ISTIO: (("app",), ("subsets",), ("weights",), ("testers", "subset")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Values from one place; `where` names it in messages."""

    where: str
    values: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFiles:
    """What a service's folder gives: `values.yml` (for the chart `microservice`), and the text of its profile."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    where: str = ""
    profile: str = field(default="", repr=False)


def merged(layers: Iterable[Mapping[str, Any]]) -> Values:
    """Return the layers as one, later over earlier. A null stays: to Helm it takes a chart's default away."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            if isinstance(value, Mapping):
                result[key] = merged([old, value] if isinstance(old, Mapping) else [value])
            else:
                result[key] = value
    return result


def values(
    chart: Chart, environment: Environment, cluster: Cluster, service: Service, files: ServiceFiles,
    sets: Sequence[Layer],
) -> Values:  # fmt: skip
    """Return what the files say for a release of `service`. Raises `UsageError` for what the release decides."""
    derived = _derived(environment, cluster, service, files) if chart is Chart.MICROSERVICE else {}
    layers = [
        Layer(where=f"environments.{environment.name}.values", values=_of(environment.values, chart)),
        Layer(where=f"clusters.{cluster.name}.values", values=_of(cluster.values, chart)),
        Layer(where=f"services.{service.name}.values", values=_of(service.values, chart)),
        Layer(where=files.where, values=files.values if chart is Chart.MICROSERVICE else {}),
        *(Layer(where=each.where, values=_of(each.values, chart)) for each in sets),
    ]
    for layer in layers:
        _check(chart, service.name, layer)
    return merged([derived, *(layer.values for layer in layers)])


def _of(by_chart: Mapping[str, Any], chart: Chart) -> Mapping[str, Any]:
    found = by_chart.get(chart.value)
    return found if isinstance(found, Mapping) else {}


def _derived(environment: Environment, cluster: Cluster, service: Service, files: ServiceFiles) -> Values:
    """Return what mcci.yml says beside `values`, as the chart's values."""
    health, first = service.health, next(iter(service.ports), "http")
    kind = next((each for each in ("grpc", "tcp") if first.startswith(each)), "http")
    profile = {"content": files.profile} if files.profile else {"name": environment.profile_name}
    return {
        "ports": [{"name": name, "containerPort": port} for name, port in service.ports.items()],
        "cloud": "" if cluster.cloud is Cloud.OTHER else cluster.cloud.value,
        "profile": profile,
        "probes": {
            "startup": {
                "type": kind,
                "path": health.live,
                "periodSeconds": PERIOD,
                "failureThreshold": max(1, math.ceil(health.timeout / PERIOD)),
            },
            "readiness": {"type": kind, "path": health.ready},
            "liveness": {"type": kind, "path": health.live},
        },
    }


def _check(chart: Chart, service: str, layer: Layer) -> None:
    for path in OWN[chart]:
        found: Any = layer.values
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if found is not None and not (path == ("app",) and found == service):
            raise UsageError(
                f"{layer.where}: {chart.value}.{'.'.join(path)} is given, but the release decides it. Remove it there."
            )
