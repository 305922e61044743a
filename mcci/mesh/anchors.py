"""The Secrets, empty ones, that tokens are bound to: where one is deleted, its token is worth nothing at once.

Each token of a control plane has its own, in the cluster that it is for.

Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import SECRET
from mcci.mesh import objects

if TYPE_CHECKING:
    from collections.abc import Collection

    from mcci.clients.kubernetes.api import ClusterApi, Object

OF = "mcci.io/token-of"  # label: the control plane's cluster


def make(api: ClusterApi, namespace: str, watcher: str) -> Object:
    """Make an anchor for a token of the control plane in the cluster `watcher`, and return it."""
    name = f"mcci-mesh-{watcher}-{uuid.uuid4().hex[:8]}"
    metadata = {"name": name, "namespace": namespace, "labels": {**objects.MANAGED, OF: watcher}}
    return api.create(SECRET, {"metadata": metadata, "type": "Opaque"})


def keep_only(api: ClusterApi, namespace: str, watcher: str, kept: str) -> tuple[str, ...]:
    """End every token of a control plane but that of the anchor `kept`; return the anchors that went."""
    found = [each["metadata"]["name"] for each in api.list(SECRET, namespace, labels=f"{OF}={watcher}")]
    old = tuple(name for name in found if name != kept)
    for name in old:
        api.delete(SECRET, name, namespace)
    return old


def end_others(api: ClusterApi, namespace: str, watchers: Collection[str]) -> tuple[str, ...]:
    """End every token of a control plane that is none of `watchers`; return the anchors that went."""
    found = [each["metadata"] for each in api.list(SECRET, namespace, labels=OF)]
    old = tuple(each["name"] for each in found if each["labels"][OF] not in watchers)
    for name in old:
        api.delete(SECRET, name, namespace)
    return old
