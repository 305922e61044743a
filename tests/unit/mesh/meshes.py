"""Configurations with a mesh, and what is found in clusters, for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from mcci.config.load import load
from mcci.mesh.place import Found
from mcci.mesh.plan import Plan, plan

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object
    from mcci.config.model import Config


def config(mesh: dict[str, Any] | None = None, clusters: dict[str, dict[str, Any]] | None = None) -> Config:
    """Return a configuration: the clusters `aws` and `azure` in one environment, unless others are given."""
    chosen = clusters or {"aws": {}, "azure": {}}
    document = {
        "version": 1,
        "application": "shop",
        "services": {"cart": {}, "staff": {"clusters": [list(chosen)[-1]]}},
        "clusters": chosen,
        "environments": {"production": {"clusters": list(chosen)}},
        "mesh": mesh or {},
    }
    return load(yaml.safe_dump(document).encode(), "mcci.yml")


def planned(mesh: dict[str, Any] | None = None, clusters: dict[str, dict[str, Any]] | None = None) -> Plan:
    """Return the plan of its mesh."""
    made = config(mesh, clusters)
    return plan(made, made.environments["production"])


def found(
    *,
    kubernetes: str = "v1.34.5",
    mesh: str = "",
    istio: str = "",
    cacerts: Object | None = None,
    secrets: tuple[Object, ...] = (),
    gateway: str = "203.0.113.7",
    releases: tuple[str, ...] = ("istio-base", "istiod"),
    ready: int = 1,
) -> Found:
    """Return what was found in a cluster; `istio` is the version of a control plane that is there."""
    control = (deployment("istiod", f"docker.io/istio/pilot:{istio}", ready),) if istio else ()
    return Found(
        kubernetes=kubernetes, mesh=mesh, control_planes=control, cacerts=cacerts, remote_secrets=secrets,
        gateway=gateway, releases=releases,
    )  # fmt: skip


def deployment(name: str, image: str, ready: int = 1) -> Object:
    """Return a Deployment of one pod, of which `ready` are."""
    return {
        "metadata": {"name": name, "generation": 1},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "discovery", "image": image}]}}},
        "status": {"observedGeneration": 1, "availableReplicas": ready, "updatedReplicas": ready},
    }
