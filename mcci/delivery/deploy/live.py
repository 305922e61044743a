"""What is on a cluster before a deploy: Helm's releases, the traffic, the canaries' states, the record. Only reads."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.canary import state_json
from mcci.canary import traffic as live_traffic
from mcci.canary.state import KEY, name_of
from mcci.clients.helm import storage
from mcci.clients.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    SECRET,
    SERVICE,
    VIRTUAL_SERVICE,
)
from mcci.delivery.deploy import record
from mcci.delivery.deploy.model import Chart, Parts, Running, Track
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mcci.canary.state import State
    from mcci.clients.helm.storage import StoredRelease
    from mcci.clients.kubernetes.api import ClusterApi, Object
    from mcci.delivery.deploy.record import Record


_VERSION = re.compile(r"v?(\d+)\.(\d+)")


class NotKept(McciError):
    """Helm says that it is done, and its record in the cluster that it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A namespace as it is. `releases` are the newest revisions by name, `deployed` the last that was in effect.

    `pending` are the Secrets of releases that a helm has begun and not ended. The other objects are by name.
    """

    cluster: str
    releases: Mapping[str, StoredRelease] = field(default_factory=dict)
    deployed: Mapping[str, StoredRelease] = field(default_factory=dict)
    pending: tuple[Object, ...] = ()
    deployments: Mapping[str, Object] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    virtual_services: Mapping[str, Object] = field(default_factory=dict)
    config_maps: Mapping[str, Object] = field(default_factory=dict)
    version: str = ""

    @property
    def checks_fields(self) -> bool:
        """Whether the server tells of fields that it does not know (`fieldValidation`, since Kubernetes 1.27)."""
        found = _VERSION.match(self.version)
        return found is not None and (int(found[1]), int(found[2])) >= (1, 27)

    @property
    def record(self) -> Record | None:
        """The environment's record."""
        return record.read(self.config_maps.get(record.NAME), self.cluster)

    def state(self, service: str) -> State | None:
        """Return the state of a service's canary."""
        found = self.config_maps.get(name_of(service))
        return state_json.read(found, self.cluster) if found and KEY in (found.get("data") or {}) else None

    def weights(self, service: str) -> dict[str, int]:
        """Return the live weights; empty where the traffic is not split. Raises `TrafficError` where routes differ."""
        found = self.virtual_services.get(service)
        return live_traffic.weights(found, service) if found and live_traffic.routes(found, service) else {}

    def subsets(self, service: str) -> tuple[str, ...]:
        """Return the subsets that the traffic's release gave to Istio."""
        found = self.releases.get(f"{service}-traffic")
        return tuple(str(each["name"]) for each in (found.config.get("subsets") or [])) if found else ()

    def running(self, service: str) -> tuple[Running, ...]:
        """Return the releases of a service's own objects: those in effect, or begun and failed."""
        return tuple(
            _running(release)
            for release in self.releases.values()
            if release.chart_name == Chart.MICROSERVICE.value and release.config.get("app") == service
        )


def read(api: ClusterApi, namespace: str) -> Live:
    """Return what is in `namespace`, asked all at once; nothing where there is no such namespace."""
    managed = f"{record.MANAGED_BY}=mcci"
    with ThreadPoolExecutor(6, thread_name_prefix=f"read {api.name}") as pool:
        secrets = pool.submit(api.list, SECRET, namespace, labels=storage.CURRENT)
        deployments = pool.submit(api.list, DEPLOYMENT, namespace)
        services = pool.submit(api.list, SERVICE, namespace)
        virtual_services = pool.submit(api.list, VIRTUAL_SERVICE, namespace)
        version = pool.submit(api.version)
        config_maps = pool.submit(api.list, CONFIG_MAP, namespace, labels=managed)
    releases, deployed, pending = _releases(secrets.result())
    return Live(
        cluster=api.name,
        releases=releases,
        deployed=deployed,
        pending=pending,
        deployments=_by_name(deployments.result()),
        services=frozenset(_by_name(services.result())),
        virtual_services=_by_name(virtual_services.result()),
        config_maps=_by_name(config_maps.result()),
        version=version.result(),
    )


def require_kept(api: ClusterApi, namespace: str, installed: Collection[str]) -> None:
    """Raise `NotKept` where Helm installed releases, and did not keep that it had.

    Helm ends well also where it could not write that down, and its next upgrade would be refused. An upgrade fails by
    itself then.
    """
    if not installed:
        return
    found = [storage.read(each) for each in api.list(SECRET, namespace, labels=storage.UNSETTLED)]
    left = sorted({each.name for each in found} & set(installed))
    if left:
        raise NotKept(
            f"{api.name}: helm ended well, but it still keeps {', '.join(left)} as pending: it may create Secrets in "
            f"{namespace} and not update them, or could not for a moment. `mcci doctor` tells; then run this again."
        )


def _releases(
    secrets: list[Object],
) -> tuple[dict[str, StoredRelease], dict[str, StoredRelease], tuple[Object, ...]]:
    newest: dict[str, tuple[StoredRelease, Object]] = {}
    deployed: dict[str, StoredRelease] = {}
    for secret in secrets:
        found = storage.read(secret)
        if found.name not in newest or newest[found.name][0].revision < found.revision:
            newest[found.name] = (found, secret)
        old = deployed.get(found.name)
        if found.status == storage.DEPLOYED and (old is None or old.revision < found.revision):
            deployed[found.name] = found
    pending = tuple(secret for release, secret in newest.values() if release.status in storage.PENDING)
    return {name: release for name, (release, _) in newest.items()}, deployed, pending


def _running(release: StoredRelease) -> Running:
    config = release.config
    image: Any = config.get("image") or {}
    return Running(
        name=release.name,
        parts=Parts(config.get("parts", Parts.ALL.value)),
        version=str(config.get("version") or ""),
        digest=str(image.get("digest") or ""),
        track=Track(config.get("track", Track.STABLE.value)),
    )


def _by_name(objects: list[Object]) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in objects}
