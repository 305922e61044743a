"""The objects with which a cluster registers at Rancher, read strictly: they get an administrator's rights. Pure.

Source: https://github.com/rancher/rancher: pkg/systemtemplate/template.go
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes.api import (
    BUDGET,
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    NETWORK_POLICY,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Refused,
)

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import Object

_RBAC = "rbac.authorization.k8s.io"
CLUSTER_ROLE = Kind(group=_RBAC, kind="ClusterRole", plural="clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(group=_RBAC, kind="ClusterRoleBinding", plural="clusterrolebindings", namespaced=False)
DAEMON_SET = Kind(group="apps", kind="DaemonSet", plural="daemonsets")
PRIORITY = Kind(group="scheduling.k8s.io", kind="PriorityClass", plural="priorityclasses", namespaced=False)
_KNOWN = {
    (each.api_version, each.kind): each
    for each in (
        NAMESPACE, SERVICE_ACCOUNT, SECRET, CONFIG_MAP, SERVICE, DEPLOYMENT, DAEMON_SET, CLUSTER_ROLE,
        CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING, NETWORK_POLICY, BUDGET, PRIORITY,
    )
}  # fmt: skip
SYSTEM = "cattle-system"
AGENT = "cattle-cluster-agent"
_LAST = (DEPLOYMENT, DAEMON_SET)


def read(text: str) -> tuple[tuple[Kind, Object], ...]:
    """Return the objects, each with its kind, in the order in which they are to be applied: what runs comes last.

    Raises `Refused` where it is not what Rancher gives: nothing of it should be applied then.
    """
    import yaml

    try:
        documents = [each for each in yaml.safe_load_all(text) if each]
    except yaml.YAMLError as error:
        raise Refused("Rancher: what it gives to register with is not YAML.") from error
    found = [(_kind(each), each) for each in documents]
    if not any(kind == DEPLOYMENT and body["metadata"]["name"] == AGENT for kind, body in found):
        raise Refused(f"Rancher: what it gives to register with has no Deployment {AGENT}: it is no registration.")
    namespaces = [each for each in found if each[0] == NAMESPACE]
    running = [each for each in found if each[0] in _LAST]
    return (*namespaces, *(each for each in found if each not in namespaces and each not in running), *running)


def _kind(body: Any) -> Kind:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise Refused("Rancher: what it gives to register with is no Kubernetes object.")
    named = (str(body.get("apiVersion")), str(body.get("kind")))
    kind = _KNOWN.get(named)
    if kind is None:
        raise Refused(
            f"Rancher: it wants to register with a {named[1]} ({named[0]}), which mcci does not know. Run the command "
            "that Rancher shows for this cluster."
        )
    if kind.namespaced and not metadata.get("namespace"):
        metadata["namespace"] = "default"
    return kind


def registered_at(agent: Object | None) -> str:
    """Return the address of the Rancher whose agent runs in a cluster; empty where none does, or it does not say."""
    template = (((agent or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
    for container in template.get("containers") or ():
        for variable in container.get("env") or ():
            if variable.get("name") == "CATTLE_SERVER":
                return str(variable.get("value") or "").rstrip("/")
    return ""
