"""What a new cluster has before anybody deploys to it: namespaces, a node, roles, definitions."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.defaults import fill
from mcci.lab.clusters.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    DEFINITIONS,
    NAMESPACES,
    SERVICES,
    Resource,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
READING = ["get", "list", "watch"]
WRITING = ["create", "delete", "deletecollection", "patch", "update"]
RBAC = "rbac.authorization.k8s.io"
# What `edit` and `view` reach, in any group (the real roles list every resource, RBAC's and secrets' not among them).
GROUPS = ["", "apps", "autoscaling", "batch", "policy", "networking.k8s.io", "discovery.k8s.io", "coordination.k8s.io"]
VIEWED = [
    "bindings",
    "configmaps",
    "controllerrevisions",
    "cronjobs",
    "daemonsets",
    "deployments",
    "deployments/scale",
    "endpoints",
    "endpointslices",
    "events",
    "horizontalpodautoscalers",
    "ingresses",
    "jobs",
    "leases",
    "limitranges",
    "namespaces",
    "networkpolicies",
    "persistentvolumeclaims",
    "poddisruptionbudgets",
    "pods",
    "pods/log",
    "replicasets",
    "resourcequotas",
    "serviceaccounts",
    "services",
    "statefulsets",
]
SERVICE_ADDRESSES = "10.96.0.0/16"  # where Services get their addresses, unless a cluster says otherwise
EDITED = [*VIEWED, "secrets", "serviceaccounts/token", "pods/eviction"]


def furnish(store: Store, definitions: Iterable[Object], services: str = SERVICE_ADDRESSES) -> None:
    """Make what is not there yet; `services` is the network of Services' addresses."""
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        _make(store, NAMESPACES, name, {})
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
    address = str(next(ipaddress.ip_network(services).hosts()))
    kubernetes = {"spec": {"clusterIP": address, "clusterIPs": [address], "ports": ports}}
    _make(store, SERVICES, "kubernetes", kubernetes, namespace="default")
    for name, rules in ROLES.items():
        _make(store, CLUSTER_ROLES, name, {"rules": rules})
    masters = {"kind": "Group", "name": "system:masters", "apiGroup": RBAC}
    admin = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    _make(store, CLUSTER_ROLE_BINDINGS, "cluster-admin", {"subjects": [masters], "roleRef": admin})
    for definition in definitions:
        _make(store, DEFINITIONS, definition["metadata"]["name"], definition)


def _make(store: Store, resource: Resource, name: str, body: Object, *, namespace: str = "") -> None:
    if store.get(resource, name, namespace) is not None:
        return
    metadata: Object = {**body.get("metadata", {}), "name": name}
    if namespace:
        metadata["namespace"] = namespace
    made = {"apiVersion": resource.api_version, "kind": resource.kind, **body, "metadata": metadata}
    fill(resource.kind, made)
    store.create(resource, made)


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


ROLES: dict[str, list[Object]] = {
    "cluster-admin": [_rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}],
    "admin": [
        _rule(GROUPS, EDITED, READING + WRITING),
        _rule([RBAC], ["roles", "rolebindings"], READING + WRITING),
    ],
    "edit": [_rule(GROUPS, EDITED, READING + WRITING)],
    "view": [_rule(GROUPS, VIEWED, READING)],
}
