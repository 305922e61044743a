"""One cluster, looked at: its version, its nodes and its ranges. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import CONFIG_MAP, NODE, SERVICE, Kind, NotAllowed
from mcci.clusters import ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.kubernetes.api import ClusterApi, Object

IP_POOL = Kind(group="crd.projectcalico.org", kind="IPPool", plural="ippools", namespaced=False)
SERVICE_RANGE = Kind(group="networking.k8s.io", kind="ServiceCIDR", plural="servicecidrs", namespaced=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """How many nodes there are, and which of them are not ready."""

    total: int
    not_ready: tuple[str, ...] = ()

    @property
    def ready(self) -> int:
        """How many are ready."""
        return self.total - len(self.not_ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A cluster that answers. `nodes` is None where these credentials may not see them."""

    version: str
    nodes: Nodes | None
    ranges: ranges.Reported


def look(api: ClusterApi) -> Seen:
    """Look at a cluster. What the credentials may not see is left out. Raises as `ClusterApi.version`."""
    version = api.version()
    nodes = _list(api, NODE)
    reported = ranges.read(
        nodes or (), _list(api, IP_POOL) or (), _list(api, SERVICE_RANGE) or (),
        _get(api, CONFIG_MAP, "kubeadm-config", "kube-system"), _get(api, SERVICE, "kubernetes", "default"),
    )  # fmt: skip
    return Seen(version=version, nodes=None if nodes is None else _counted(nodes), ranges=reported)


def _counted(nodes: Sequence[Object]) -> Nodes:
    unready = [each["metadata"]["name"] for each in nodes if not _is_ready(each)]
    return Nodes(total=len(nodes), not_ready=tuple(sorted(unready)))


def _is_ready(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _list(api: ClusterApi, kind: Kind) -> list[Object] | None:
    try:
        return api.list(kind)
    except NotAllowed:
        return None


def _get(api: ClusterApi, kind: Kind, name: str, namespace: str) -> Object | None:
    try:
        return api.get(kind, name, namespace)
    except NotAllowed:
        return None
