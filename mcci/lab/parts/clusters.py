"""The clusters: each an API over HTTPS, controllers, and a node whose pods are real where they can be.

A cluster whose folder holds the file `off` is powered off, API, controllers and pods, as a cloud that is lost; without
it, it comes back as it was.
"""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients import ports
from mcci.lab import networks
from mcci.lab.plan import Pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.cluster import Cluster
    from mcci.lab.clusters.pods.model import Runtime
    from mcci.lab.plan import Folder, Plan

NAME = "clusters"
LOOK = 0.1  # seconds between two looks at which clusters are to be off

logger = logging.getLogger(__name__)


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start all clusters; each answers where it did before, where that port is free."""
    real = _real(plan, folder) if plan.pods is not Pods.FAKE else None
    facts: dict[str, Any] = {}
    found: list[Powered] = []
    for name, variable in plan.clusters.items():
        folder.off(name).unlink(missing_ok=True)
        cluster = Powered(name, plan, folder, real)
        facts[name] = cluster.on()
        stack.callback(cluster.off)
        found.append(cluster)
        facts[name] |= {"variable": variable, "pods": plan.pods.value, "addresses": plan.network(name)}
        say(f"cluster {name} at {facts[name]['url']}")
    _watch(found, stack)
    return facts


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the pods that a supervisor which was killed has left."""
    del facts
    if plan.pods is not Pods.FAKE:
        real = _real(plan, folder)
        for name in plan.clusters:
            real(folder.owner(name)).clean()


class Powered:
    """A cluster that can be switched off and on again."""

    def __init__(self, name: str, plan: Plan, folder: Folder, real: Callable[[str], Runtime] | None) -> None:
        self.name = name
        self._plan = plan
        self._folder = folder
        self._real = real
        self._stack: ExitStack | None = None
        self.cluster: Cluster | None = None

    def follow(self) -> None:
        """Be as the file `off` says, and say so by the file `is-off`."""
        wanted, marked = self._folder.off(self.name), self._folder.is_off(self.name)
        if self.cluster is not None and not self.cluster.alive:
            logger.warning("the API of the cluster %s has died, and is started again", self.name)
            self.off()
        if wanted.exists():
            self.off()
            marked.touch()
        elif self._stack is None:
            self.on()
            marked.unlink(missing_ok=True)

    def on(self) -> dict[str, Any]:
        """Start it, and return how it is reached."""
        from mcci.lab.clusters.cluster import Cluster
        from mcci.lab.clusters.pods.fake import FakeRuntime
        from mcci.lab.clusters.running import workloads

        plan, place = self._plan, self._folder.cluster(self.name)
        place.mkdir(parents=True, exist_ok=True)
        definitions = Path(plan.definitions) if plan.definitions else None
        with ExitStack() as stack:
            cluster = stack.enter_context(
                Cluster(
                    self.name,
                    place,
                    port=ports.kept(place / "port"),
                    definitions=definitions,
                    services=plan.services(self.name),
                )
            )
            networks.renumber(cluster.store, plan.services(self.name))
            runtime: Runtime = self._real(self._folder.owner(self.name)) if self._real else FakeRuntime()
            stack.enter_context(workloads(cluster, runtime=runtime, network=plan.network(self.name)))
            kubeconfig = place / "kubeconfig"
            kubeconfig.touch(mode=0o600)
            kubeconfig.write_text(cluster.kubeconfig(), "utf-8")
            self._stack, self.cluster = stack.pop_all(), cluster
        self._folder.is_off(self.name).unlink(missing_ok=True)
        return {"url": cluster.url, "kubeconfig": str(kubeconfig)}

    def off(self) -> None:
        """Stop it; does nothing where it is off."""
        if self._stack is not None:
            self._stack.close()
            self._stack = self.cluster = None


def _watch(clusters: list[Powered], stack: ExitStack) -> None:
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK):
            for each in clusters:
                try:
                    each.follow()
                except Exception:
                    logger.exception("the cluster %s could not be switched", each.name)

    thread = threading.Thread(target=watch, name="clusters' power", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    stack.callback(end)


def _real(plan: Plan, folder: Folder) -> Callable[[str], Runtime]:
    from mcci.lab.clusters.pods.real import RealRuntime, choose

    backend = choose(folder.path / "images", engines=plan.pods is Pods.REAL)
    return lambda owner: RealRuntime(backend, owner)
