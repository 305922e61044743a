"""The lab's clusters, as the page looks at them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from mcci.canary import state_json, traffic
from mcci.canary.state import name_of
from mcci.clients import probe
from mcci.clients.kubernetes.api import CONFIG_MAP, SERVICE, VIRTUAL_SERVICE
from mcci.clients.prometheus import Prometheus
from mcci.rehearsal.page.live import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mcci.clients.kubernetes.client import Client
    from mcci.config.model import Config
    from mcci.lab.plan import Folder

PATIENCE = 2.0  # seconds for a cluster's answer
OVER = "15s"  # what rates are counted over


class LabCluster:
    """One cluster of the lab."""

    def __init__(self, api: Client, namespace: str, services: Iterable[str], prometheus: str = "") -> None:
        self._api = api.within(PATIENCE)
        self._namespace = namespace
        self._services = frozenset(services)
        self._prometheus = Prometheus(url=prometheus) if prometheus else None

    @property
    def name(self) -> str:
        """Its name in mcci.yml."""
        return self._api.name

    def weights(self) -> Mapping[str, Mapping[str, int]]:
        """Return the weights of each service's versions, as the VirtualServices of their names have them."""
        found = {}
        for each in self._api.list(VIRTUAL_SERVICE, self._namespace):
            name = str(each["metadata"]["name"])
            if name in self._services and (routes := traffic.routes(each, name)):
                found[name] = routes[0].weights
        return found

    def stable(self, service: str) -> str:
        """Return a service's stable version, as its canary's state has it."""
        found = self._api.get(CONFIG_MAP, name_of(service), self._namespace)
        return state_json.read(found, self.name).stable if found else ""

    def traffic(self, service: str, version: str) -> Traffic:
        """Return what this cluster's Prometheus says of a version."""
        if self._prometheus is None:
            return Traffic()
        labels = (
            f'destination_service_name="{service}",destination_service_namespace="{self._namespace}",'
            f'destination_version="{version}"'
        )
        rate = self._number(f"sum(rate(istio_requests_total{{{labels}}}[{OVER}]))")
        failed = self._number(f'sum(rate(istio_requests_total{{{labels},response_code=~"5.."}}[{OVER}]))')
        buckets = f"sum by (le) (rate(istio_request_duration_milliseconds_bucket{{{labels}}}[{OVER}]))"
        p95 = self._number(f"histogram_quantile(0.95, {buckets})")
        return Traffic(rate=rate, errors=100 * (failed or 0.0) / rate if rate else None, p95=p95)

    def address(self, service: str) -> str:
        """Return where a service answers; empty where none does yet: a page that was shown too early stays wrong."""
        found = self._api.get(SERVICE, service, self._namespace)
        if found is None:
            return ""
        host, port = found["spec"]["clusterIP"], found["spec"]["ports"][0]["port"]
        status = probe.status(host, port, "/")
        return f"http://{host}:{port}/" if 0 < status < 500 else ""

    def close(self) -> None:
        """End its connections."""
        self._api.close()

    def _number(self, query: str) -> float | None:
        assert self._prometheus is not None
        found = self._prometheus.number(query, at=time.time())
        return None if found is None or not math.isfinite(found) else found


def clusters(config: Config, folder: Folder) -> Iterator[LabCluster]:
    """Yield the lab's clusters in production that hold Istio's objects."""
    from mcci.clients.kubernetes import client, kubeconfig
    from mcci.lab import control

    production = next((each for each in config.environments.values() if each.is_production), None)
    if production is None:
        return
    status = control.status(folder)
    metrics = status.parts.get("metrics", {}) if status else {}
    for name in config.config_clusters(production):
        text = (folder.cluster(name) / "kubeconfig").read_text()
        api = client.connect(name, kubeconfig.read(kubeconfig.parse(text, name), name))
        prometheus = metrics.get(name, {}).get("prometheus", "")
        yield LabCluster(api, config.namespace_of(production), config.services, prometheus)
