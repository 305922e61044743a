"""A cluster of the mesh that is open, and what is there of Istio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from mcci.clients.kubernetes.api import CONFIG_MAP, DEPLOYMENT, NAMESPACE, SECRET, SERVICE
from mcci.clusters.ranges import Reported
from mcci.clusters.survey import look
from mcci.mesh import authority, objects, remote_secrets, versions
from mcci.mesh.values import EAST_WEST

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.helm.client import HelmClient
    from mcci.clients.kubernetes.api import ClusterApi, Object
    from mcci.mesh.plan import Member, Plan
    from mcci.mesh.versions import Numbers

ISTIOD = "app=istiod"  # label of a control plane's Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A member, its API, and its helm where one is needed. `server` and `authority` (base64) are its kubeconfig's."""

    member: Member
    api: ClusterApi
    helm: HelmClient | None
    kubeconfig: Path
    server: str
    authority: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.member.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is in a cluster. `mesh` is the ID of the mesh it is in, empty where it is in none."""

    kubernetes: str
    mesh: str
    control_planes: tuple[Object, ...]
    cacerts: Object | None = field(repr=False)
    remote_secrets: tuple[Object, ...] = field(repr=False)
    gateway: str  # the address at which others reach its east-west gateway
    releases: tuple[str, ...]  # Helm's
    ranges: Reported = field(default_factory=Reported)  # what the cluster shows of its addresses

    @property
    def istio(self) -> Numbers | None:
        """The newest control plane's version; None where there is none, or it does not tell."""
        found = [each for each in map(version_of, self.control_planes) if each]
        return max(found, default=None)


def survey(place: Place, plan: Plan) -> Found:
    """Look at a cluster; nothing is changed."""
    api, namespace = place.api, plan.namespace
    there = api.get(NAMESPACE, namespace)
    control = tuple(api.list(DEPLOYMENT, namespace, labels=ISTIOD)) if there else ()
    seen = look(api)
    secrets = api.list(SECRET, namespace, labels=remote_secrets.SELECTOR) if there else []
    return Found(
        kubernetes=seen.version,
        mesh=_mesh(api, there, namespace, bool(control)),
        control_planes=control,
        cacerts=api.get(SECRET, authority.SECRET, namespace) if there else None,
        remote_secrets=tuple(secrets),
        releases=_releases(api, namespace) if there else (),
        gateway=place.member.eastwest or (gateway_address(api, namespace) if there else ""),
        ranges=seen.ranges,
    )


def gateway_address(api: ClusterApi, namespace: str) -> str:
    """Return the address that the load balancer gave the east-west gateway; empty while there is none."""
    service = api.get(SERVICE, EAST_WEST, namespace) or {}
    found = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}]
    return str(found[0].get("ip") or found[0].get("hostname") or "")


def version_of(control_plane: Object) -> Numbers | None:
    """Return a control plane's version, as its image tells it."""
    containers = control_plane["spec"]["template"]["spec"]["containers"]
    return next((found for each in containers if (found := versions.of_image(str(each.get("image") or "")))), None)


def _releases(api: ClusterApi, namespace: str) -> tuple[str, ...]:
    secrets = api.list(SECRET, namespace, labels="owner=helm")
    return tuple(dict.fromkeys(str(each["metadata"]["labels"].get("name")) for each in secrets))


def _mesh(api: ClusterApi, namespace: Object | None, name: str, installed: bool) -> str:
    """Return the mesh's ID: mcci's label, else what Istio's own configuration says."""
    labels = ((namespace or {}).get("metadata") or {}).get("labels") or {}
    if not installed or objects.MESH in labels:
        return str(labels.get(objects.MESH) or "")
    try:
        text = ((api.get(CONFIG_MAP, "istio", name) or {}).get("data") or {}).get("mesh") or ""
        return str(((yaml.safe_load(text) or {}).get("defaultConfig") or {}).get("meshId") or "")
    except (yaml.YAMLError, AttributeError):
        return ""
