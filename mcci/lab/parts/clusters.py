"""The clusters: each an API over HTTPS, controllers, and a node whose pods are real where they can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients import ports
from mcci.lab.plan import Pods

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.clusters.pods.model import Runtime
    from mcci.lab.plan import Folder, Plan

NAME = "clusters"


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start all clusters; each answers where it did before, where that port is free."""
    from mcci.lab.clusters.cluster import Cluster
    from mcci.lab.clusters.pods.fake import FakeRuntime
    from mcci.lab.clusters.running import workloads

    real = None if plan.pods is Pods.FAKE else _real(plan, folder)
    facts: dict[str, Any] = {}
    for name, variable in plan.clusters.items():
        place = folder.cluster(name)
        port = ports.kept(place / "port")
        definitions = Path(plan.definitions) if plan.definitions else None
        cluster = stack.enter_context(
            Cluster(name, place, port=port, definitions=definitions, services=plan.services(name))
        )
        runtime: Runtime = real(folder.owner(name)) if real else FakeRuntime()
        stack.enter_context(workloads(cluster, runtime=runtime, network=plan.network(name)))
        kubeconfig = place / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(cluster.kubeconfig(), "utf-8")
        facts[name] = {"url": cluster.url, "variable": variable, "kubeconfig": str(kubeconfig)}
        facts[name] |= {"pods": plan.pods.value, "addresses": plan.network(name)}
        say(f"cluster {name} at {cluster.url}")
    return facts


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the pods that a supervisor which was killed has left."""
    del facts
    if plan.pods is not Pods.FAKE:
        real = _real(plan, folder)
        for name in plan.clusters:
            real(folder.owner(name)).clean()


def _real(plan: Plan, folder: Folder) -> Callable[[str], Runtime]:
    from mcci.lab.clusters.pods.real import RealRuntime, choose

    backend = choose(folder.path / "images", engines=plan.pods is Pods.REAL)
    return lambda owner: RealRuntime(backend, owner)
