"""What comes to the page from the lab: canaries as they are in each cloud, and the application's own page.

A thread looks every two seconds: at the VirtualServices of each config cluster, whose weights are the truth, and at
each cluster's Prometheus. A cluster that does not answer is shown as such.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Json = dict[str, Any]
EVERY = 2.0  # seconds
KEPT = 300  # readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A version's requests a second, errors (percent) and p95 (ms), as one cluster's metrics have them."""

    rate: float | None = None
    errors: float | None = None
    p95: float | None = None


class Cluster(Protocol):
    """One config cluster. Each method raises `McciError` where it does not answer."""

    @property
    def name(self) -> str:
        """Its name in mcci.yml."""

    def weights(self) -> Mapping[str, Mapping[str, int]]:
        """Return the weights of each service's versions."""

    def stable(self, service: str) -> str:
        """Return a service's stable version, empty where it is not known."""

    def traffic(self, service: str, version: str) -> Traffic:
        """Return what the metrics say of a version."""

    def address(self, service: str) -> str:
        """Return the URL of a service's page, empty where there is none yet."""


class Live:
    """Readings of canaries, taken in a thread; and where the service `shown` answers, once it does."""

    def __init__(self, clusters: Sequence[Cluster], shown: str = "") -> None:
        self._clusters = clusters
        self._shown = shown
        self._url = ""
        self._history: dict[str, deque[Json]] = {}
        self._found: list[Json] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_reading, name="canaries", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._stopped.set()
        self._thread.join()

    def body(self) -> Json:
        """Return what was read last, for the page: the services with more than one version, and the application."""
        application = {"service": self._shown, "url": self._url} if self._url else {}
        return {"canaries": self._found, "application": application}

    def _keep_reading(self) -> None:
        while not self._stopped.wait(EVERY):
            self.read(time.time())

    def read(self, at: float) -> None:
        """Take one reading."""
        weights: dict[str, Mapping[str, Mapping[str, int]]] = {}
        problems: dict[str, str] = {}
        for cluster in self._clusters:
            try:
                weights[cluster.name] = cluster.weights()
            except McciError as error:
                problems[cluster.name] = str(error).splitlines()[0]
        several = {service for each in weights.values() for service, found in each.items() if len(found) > 1}
        found = [self._service(service, weights, problems) for service in sorted(several)]
        for each in found:
            self._remember(each, at)
        self._found = found
        if self._shown and not self._url:
            self._url = self._address(self._shown)

    def _address(self, service: str) -> str:
        for cluster in self._clusters:
            try:
                if found := cluster.address(service):
                    return found
            except McciError:
                continue
        return ""

    def _service(
        self, service: str, weights: Mapping[str, Mapping[str, Mapping[str, int]]], problems: Mapping[str, str]
    ) -> Json:
        stable = self._stable(service)
        clusters: list[Json] = []
        for cluster in self._clusters:
            versions = [
                {"version": version, "weight": weight, "track": "stable" if version == stable else "canary",
                 **_traffic(cluster, service, version)}
                for version, weight in weights.get(cluster.name, {}).get(service, {}).items()
            ]  # fmt: skip
            clusters.append({"name": cluster.name, "problem": problems.get(cluster.name, ""), "versions": versions})
        return {"service": service, "clusters": clusters, "history": []}

    def _stable(self, service: str) -> str:
        for cluster in self._clusters:
            try:
                if found := cluster.stable(service):
                    return found
            except McciError:
                continue
        return ""

    def _remember(self, found: Json, at: float) -> None:
        canary = [each for cluster in found["clusters"] for each in cluster["versions"] if each["track"] == "canary"]
        kept = self._history.setdefault(found["service"], deque(maxlen=KEPT))
        weight = max((each["weight"] for each in canary), default=0)
        kept.append({"at": round(at, 1), "weight": weight, "errors": _worst(each["errors"] for each in canary)})
        found["history"] = list(kept)


def _traffic(cluster: Cluster, service: str, version: str) -> Json:
    try:
        found = cluster.traffic(service, version)
    except McciError:
        found = Traffic()
    return {"rate": found.rate, "errors": found.errors, "p95": found.p95}


def _worst(values: Iterable[float | None]) -> float | None:
    return max((each for each in values if each is not None), default=None)
