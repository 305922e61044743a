"""What a lab consists of, and where its state lies: written by who starts it, read by the supervisor."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.config.choices import NetworkMode
from mcci.lab import networks

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = {
    "stage-aws": "KUBECONFIG_STAGE_AWS",
    "prod-aws": "KUBECONFIG_PROD_AWS",
    "prod-azure": "KUBECONFIG_PROD_AZURE",
}
MOST = 60  # clusters: each has a network of its own among the lab's addresses


class Pods(Enum):
    """What the pods of a lab are: containers where an engine can be had and else processes; always those; or fakes."""

    REAL = "real"
    PROCESSES = "processes"
    FAKE = "fake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Clusters that are one mesh, and those of them that hold its Istio objects, the leader first."""

    name: str
    clusters: tuple[str, ...]
    config: tuple[str, ...]

    def config_of(self, cluster: str) -> str:
        """Return the cluster whose Istio objects hold in `cluster`: its own, or the leader's."""
        return cluster if cluster in self.config else self.config[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A lab: its clusters, each with the variable that names its kubeconfig, and what their pods are.

    `vpn` joins the clusters of a mesh by a network (`mcci.lab.network`). `slot` says which addresses the lab
    has on this machine (`networks`); it is no part of what was asked for.
    """

    clusters: Mapping[str, str]
    pods: Pods = Pods.REAL
    definitions: str = ""
    meshes: tuple[Mesh, ...] = ()
    vpn: NetworkMode | None = None
    slot: int = field(default=0, compare=False)

    @property
    def routed(self) -> bool:
        """Whether requests go through a mesh: pods that only say they run answer none."""
        return bool(self.meshes) and self.pods is not Pods.FAKE

    def services(self, cluster: str) -> str:
        """Return the addresses of a cluster's Services, at which its Envoy listens."""
        return networks.services(self.slot, list(self.clusters).index(cluster))

    def network(self, cluster: str) -> str:
        """Return the addresses of a cluster's pods."""
        return networks.pods(self.slot, list(self.clusters).index(cluster))


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Where a lab keeps its state."""

    path: Path

    @property
    def state(self) -> Path:
        """What the supervisor says of itself, while it runs."""
        return self.path / "lab.json"

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.path / "supervisor.log"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.path / "lock"

    @property
    def programs(self) -> Path:
        """What is on record of the programs that run."""
        return self.path / "programs"

    def cluster(self, name: str) -> Path:
        """A cluster's state."""
        return self.path / "clusters" / name

    def off(self, cluster: str) -> Path:
        """A file that is there while a cluster is to be off."""
        return self.cluster(cluster) / "off"

    def is_off(self, cluster: str) -> Path:
        """A file that is there once a cluster is off."""
        return self.cluster(cluster) / "is-off"

    def owner(self, cluster: str) -> str:
        """The label of what runs for a cluster of this lab, and of no other lab on this machine."""
        return f"{hashlib.sha256(str(self.path).encode()).hexdigest()[:10]}-{cluster}"

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan."""
        vpn = plan.vpn.value if plan.vpn else None
        write_json(self.path / "plan.json", {**asdict(plan), "pods": plan.pods.value, "vpn": vpn})

    def read_plan(self) -> Plan | None:
        """Return the plan that was kept."""
        body = read_json(self.path / "plan.json")
        if body is None:
            return None
        meshes = tuple(
            Mesh(name=each["name"], clusters=tuple(each["clusters"]), config=tuple(each["config"]))
            for each in body.get("meshes", ())
        )
        return Plan(
            clusters=body["clusters"], pods=Pods(body["pods"]), definitions=body["definitions"], meshes=meshes,
            vpn=NetworkMode(body["vpn"]) if body.get("vpn") else None, slot=networks.remembered(self),
        )  # fmt: skip


def default_folder(application: str, environment: Mapping[str, str]) -> Path:
    """Return where the lab of an application keeps its state: one lab an application and user."""
    base = environment.get("XDG_STATE_HOME") or Path(environment.get("HOME") or Path.home(), ".local", "state")
    return Path(base, "mcci", "lab", application or "default")


def write_json(path: Path, body: Mapping[str, Any]) -> None:
    """Write a file whole."""
    made = path.with_name(f"{path.name}.{os.getpid()}")
    made.write_text(json.dumps(body, indent=2))
    made.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a file that `write_json` wrote; None where there is none, or another one."""
    try:
        body = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return body if isinstance(body, dict) else None
