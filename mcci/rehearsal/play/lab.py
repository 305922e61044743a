"""The lab of a rehearsal: `mcci lab up` in a folder of its own, and what of mcci.yml must be different in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.errors import UsageError
from mcci.lab import control, meshes, traffic
from mcci.lab.plan import Folder, Plan, Pods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.clients.load import Load
    from mcci.config.model import Config

ENGINE = "socket"
VARIABLE = "DOCKER_HOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A service's traffic: the canary's split on the wire, and what the load's sender saw."""

    split: traffic.Split
    canary: str
    sent: int
    failed: int
    first_failure: str

    @property
    def share(self) -> float:
        """The canary's share, 0 to 1."""
        return self.split.share(self.canary)

    @property
    def counted(self) -> int:
        """The requests that the split was counted over."""
        return self.split.counted

    def fits(self, share: float) -> bool:
        """Whether such counts are likely at that weight."""
        return self.split.fits(self.canary, share)


class LocalLab:
    """A lab that runs from the beginning of a rehearsal to its end."""

    def __init__(self, config: Config, folder: Path, settings: Mapping[str, Any], tell: Callable[[str], None]) -> None:
        """Start the clusters of `config`. Raises `ServiceFailed` where a part does not start."""
        from mcci.clients import charts

        self._config = config
        self._folder = Folder(path=folder)
        self._loads: list[Load] = []
        clusters = {name: f"KUBECONFIG_{name.upper().replace('-', '_')}" for name in config.clusters}
        plan = Plan(
            clusters=clusters,
            pods=Pods(settings.get("pods", Pods.REAL.value)),
            definitions=str(charts.definitions()),
            meshes=meshes.of(config, clusters),
        )
        self._status = control.up(plan, self._folder, os.environ, tell)
        self._takes_over = self._engine if VARIABLE not in os.environ else ""
        if self._takes_over:
            os.environ[VARIABLE] = self._takes_over  # the runner's engine for jobs with images, too
        self._base = ""
        if settings.get("base_image") == "local":
            self._base = self._publish_base()
            tell(f"the base image is this machine's Python: {self._base}")

    @property
    def _engine(self) -> str:
        return str(self._status.parts.get("engine", {}).get("host", ""))

    @property
    def _registry(self) -> str:
        found = str(self._status.parts.get("registry", {}).get("host", ""))
        if not found:
            raise UsageError("a rehearsal with a lab needs docker-registry (Debian: apt-get install docker-registry).")
        return found

    def _publish_base(self) -> str:
        from mcci.clients import base_image

        name = f"{self._registry}/base/python:local"
        base_image.publish(self._engine, name)
        return name

    def overlay(self) -> Mapping[str, object]:
        """Return the keys of mcci.yml that are different here: where images, clusters and metrics are."""
        mesh, metrics = self._status.parts.get("mesh", {}), self._status.parts.get("metrics", {})
        clusters: dict[str, dict[str, object]] = {}
        for name in self._config.clusters:
            found = clusters[name] = {"kubeconfig": f"KUBECONFIG_{name.upper().replace('-', '_')}"}
            if name in mesh:
                found |= {"proxies": [mesh[name]["proxy"]], "gateway": mesh[name]["gateway"]}
            if name in metrics:
                found["prometheus"] = metrics[name]["prometheus"]
        registry = {"host": self._registry, "candidates": f"{self._registry}/candidates", "insecure": True}
        overlay: dict[str, object] = {"registry": registry, "runner": {"engine": ENGINE}, "clusters": clusters}
        if self._base:
            overlay["defaults"] = {"build_args": {"BASE_IMAGE": self._base}}
        return overlay

    def variables(self) -> Mapping[str, str]:
        """Return the CI/CD variables with which jobs reach the lab."""
        found = {name: value for name, value in self._status.exports.items() if name.startswith("KUBECONFIG_")}
        if self._engine:
            found[VARIABLE] = self._engine
        return found

    def down(self, cluster: str) -> None:
        """Switch a cluster off, as a cloud that is lost."""
        control.power(self._folder, cluster, on=False)

    def up(self, cluster: str) -> None:
        """Switch it on again."""
        control.power(self._folder, cluster, on=True)

    def load(self, service: str, path: str, *, rate: float, cluster: str) -> str:
        """Begin to send requests to a service, at the address where its cluster's pods reach it."""
        from mcci.clients.load import Load

        cluster = cluster or next(iter(self._config.environments[self._production].all_clusters))
        url = f"http://{self._address(cluster, service)}{path}"
        load = Load(url, rate=rate)
        load.start()
        self._loads.append(load)
        return url

    @property
    def _production(self) -> str:
        found = [name for name, each in self._config.environments.items() if each.is_production]
        return found[0] if found else next(iter(self._config.environments))

    def _address(self, cluster: str, service: str) -> str:
        """Return the address and port of a Service in a cluster."""
        from mcci.clients.kubernetes.api import SERVICE

        namespace = self._config.namespace_of(self._config.environments[self._production])
        with self._api(cluster) as api:
            found = api.get(SERVICE, service, namespace)
        if found is None:
            raise UsageError(f"{cluster} has no Service {service} yet: deploy it before the load begins")
        return f"{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"

    @contextmanager
    def _api(self, cluster: str) -> Iterator[ClusterApi]:
        from mcci.clients.kubernetes import client, kubeconfig

        text = (self._folder.cluster(cluster) / "kubeconfig").read_text()
        api = client.connect(cluster, kubeconfig.read(kubeconfig.parse(text, cluster), cluster))
        try:
            yield api
        finally:
            api.close()

    def traffic(self, service: str, *, seconds: float) -> Seen:
        """Return how a service's traffic is split, over the next `seconds`."""
        environment = self._config.environments[self._production]
        proxies = [
            each["proxy"] for name, each in self._status.parts["mesh"].items() if name in environment.all_clusters
        ]
        split = traffic.watch(proxies, service, seconds=seconds)
        failures = [answer for load in self._loads for answer in load.answers if answer.failed]
        first = failures[0] if failures else None
        return Seen(
            split=split,
            canary=self._canary(service),
            sent=sum(load.tally.sent for load in self._loads),
            failed=sum(load.tally.failed for load in self._loads),
            first_failure=f"HTTP {first.status} {first.error}".strip() if first else "",
        )

    def _canary(self, service: str) -> str:
        """Return the version that the canary moves the traffic to: after a promotion, the stable one."""
        from mcci.canary import state_json
        from mcci.canary.state import name_of
        from mcci.clients.kubernetes.api import CONFIG_MAP

        environment = self._config.environments[self._production]
        with self._api(self._config.config_clusters(environment)[0]) as api:
            found = api.get(CONFIG_MAP, name_of(service), self._config.namespace_of(environment))
        if found is None:
            return ""
        state = state_json.read(found)
        return state.canary or state.stable

    def stop(self) -> None:
        """Stop all of it."""
        for load in self._loads:
            load.stop()
        if self._takes_over:
            os.environ.pop(VARIABLE, None)
        control.down(self._folder, delete=False)
