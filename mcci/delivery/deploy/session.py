"""What one deploy shares on all its clusters: what is wanted, by whom, how long it may take, where its words go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mcci.canary.state import Actor
from mcci.clusters.leases import Holder
from mcci.delivery.deploy.masks import Masks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.config.model import Config, Environment, Service
    from mcci.delivery.deploy.prepare import Kitchen
    from mcci.delivery.release.model import Release
    from mcci.job import Job

TTL = 45.0  # seconds of the lock: a holder counts on two thirds, and must outlast 20 s without the API
AT_ONCE = 8  # services of a cluster, and helms in all: each is a process of 100 MB


class Helm(Protocol):
    """What a deploy asks of Helm (mcci/clients/helm/client.py)."""

    def upgrade(
        self, release: str, chart: Path, values: Mapping[str, Any], namespace: str, *, description: str, timeout: float,
        checked_by_server: bool = False,
    ) -> None:  # fmt: skip
        """Install or upgrade a release."""

    def uninstall(self, release: str, namespace: str, *, timeout: float) -> None:
        """Remove a release."""

    def template(
        self, release: str, chart: Path, values: Mapping[str, Any], namespace: str, *,
        kube_version: str = "", api_versions: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Return the manifests of a release."""

    def stop(self) -> None:
        """End every helm that runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster that is open: its API, and the helm that reaches it."""

    api: ClusterApi
    helm: Helm

    @property
    def name(self) -> str:
        """The cluster's name in mcci.yml."""
        return self.api.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One deploy. `timeout` is in seconds, for each cluster, with what rolling back takes of it.

    `again` upgrades what has not changed too. `say` is given a cluster and a line.
    """

    config: Config
    environment: Environment
    services: tuple[Service, ...]
    release: Release
    kitchen: Kitchen
    job: Job
    user: str
    timeout: float
    say: Callable[[str, str], None]
    again: bool = False
    ttl: float = TTL
    wait: float = 0
    ended: Callable[[Holder], bool] | None = None  # knows whether the job that holds a lock is over
    masks: Masks = field(default_factory=Masks)
    slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def namespace(self) -> str:
        """The environment's namespace."""
        return self.config.namespace_of(self.environment)

    @property
    def holder(self) -> Holder:
        """Who holds the locks."""
        return Holder(identity=self.user, pipeline=self.job.pipeline_url, job_url=self.job.url)

    @property
    def actor(self) -> Actor:
        """Who acts, as the canary's state has it."""
        return Actor(
            who=self.user,
            pipeline=self.job.pipeline_id,
            pipeline_url=self.job.pipeline_url,
            job_url=self.job.url,
        )

    def at(self, cluster: str) -> Callable[[str], None]:
        """Return what says a line about `cluster`, with secrets masked."""
        return lambda line: self.say(cluster, self.masks(line))
