"""What whoever installs a mesh must be allowed to do, in one table; asked of the cluster before anything is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    DESTINATION_RULE,
    GATEWAY,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
    Kind,
)

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import ClusterApi

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
CLUSTER_ROLE = Kind(group=_RBAC, kind="ClusterRole", plural="clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(group=_RBAC, kind="ClusterRoleBinding", plural="clusterrolebindings", namespaced=False)
DEFINITION = Kind(
    group="apiextensions.k8s.io", kind="CustomResourceDefinition", plural="customresourcedefinitions", namespaced=False
)
MUTATING = Kind(
    group=_ADMISSION, kind="MutatingWebhookConfiguration", plural="mutatingwebhookconfigurations", namespaced=False
)
VALIDATING = Kind(
    group=_ADMISSION, kind="ValidatingWebhookConfiguration", plural="validatingwebhookconfigurations", namespaced=False
)
ENDPOINT_SLICE = Kind(group="discovery.k8s.io", kind="EndpointSlice", plural="endpointslices")

Right = tuple[str, Kind, str]  # verb, kind, subresource
AT_ONCE = 8  # questions to one cluster
_WRITES = ("get", "create", "patch")
# what each command does in every cluster: look, and lock
COMMON: tuple[Right, ...] = (
    *(("get", kind, "") for kind in (NAMESPACE, CONFIG_MAP, SERVICE, SERVICE_ACCOUNT, SECRET)),
    *(("list", kind, "") for kind in (DEPLOYMENT, SECRET)),
    *((verb, LEASE, "") for verb in ("get", "create", "update")),
)
INSTALL: tuple[Right, ...] = (
    *COMMON,
    *(
        (verb, kind, "")
        for kind in (
            NAMESPACE, CONFIG_MAP, SERVICE_ACCOUNT, SERVICE, DEPLOYMENT, CLUSTER_ROLE, CLUSTER_ROLE_BINDING,
            DEFINITION, MUTATING, VALIDATING,
        )
        for verb in _WRITES
    ),
    *((verb, SECRET, "") for verb in ("create", "update", "patch", "delete")),
)  # fmt: skip
EXPOSE: tuple[Right, ...] = tuple((verb, kind, "") for kind in (GATEWAY, VIRTUAL_SERVICE) for verb in _WRITES)
WATCHED: tuple[Right, ...] = (("create", SERVICE_ACCOUNT, "token"), ("create", SECRET, ""), ("delete", SECRET, ""))
WATCHING: tuple[Right, ...] = (
    *((verb, SECRET, "") for verb in ("create", "patch", "delete")),
    *(("list", kind, "") for kind in (SERVICE_ENTRY, DESTINATION_RULE)),
)
FEDERATE: tuple[Right, ...] = tuple(
    (verb, kind, "") for kind in (SERVICE_ENTRY, DESTINATION_RULE) for verb in (*_WRITES, "delete")
)
# what a control plane does in another cluster: the heart of Istio's ClusterRole istio-reader
READER: tuple[Right, ...] = tuple(
    (verb, kind, "") for kind in (SERVICE, POD, NAMESPACE, NODE, ENDPOINT_SLICE) for verb in ("get", "list", "watch")
)


def missing(api: ClusterApi, wanted: tuple[Right, ...], namespace: str) -> tuple[str, ...]:
    """Return the rights that are lacking, in words, each once."""

    def has(right: Right) -> bool:
        verb, kind, subresource = right
        return api.allowed(verb, kind, namespace if kind.namespaced else "", subresource=subresource)

    asked = tuple(dict.fromkeys(wanted))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = tuple(pool.map(has, asked))
    return tuple(words(*right) for right, held in zip(asked, answers, strict=True) if not held)


def missing_everywhere(api: ClusterApi, wanted: tuple[Right, ...]) -> tuple[str, ...]:
    """As `missing`, in all namespaces."""
    return missing(api, wanted, "")


def words(verb: str, kind: Kind, subresource: str = "") -> str:
    """Return a right as `mcci doctor` writes it: `create deployments.apps`."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return f"{verb} {resource}{f'.{kind.group}' if kind.group else ''}"
