"""Namespaces: what every one gets, and how one goes with all that is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers.context import is_deleted
from mcci.lab.clusters.resources import BUILT_IN, CONFIG_MAPS, DEFINITIONS, NAMESPACES, SERVICE_ACCOUNTS, custom
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
RESOURCE = NAMESPACES
OWNS: tuple[Resource, ...] = ()
RETRY = 0.1  # seconds until it is looked again whether the last object has gone
ROOT_CERTIFICATES = "kube-root-ca.crt"


def reconcile(context: Context, namespace: Object) -> float | None:
    """Give a namespace its `default` ServiceAccount and the cluster's certificate, or empty it where it is deleted."""
    name = namespace["metadata"]["name"]
    if is_deleted(namespace):
        return _empty(context, name)
    if context.store.get(SERVICE_ACCOUNTS, "default", name) is None:
        body: Object = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": name},
        }
        context.store.create(SERVICE_ACCOUNTS, body)
    if context.store.get(CONFIG_MAPS, ROOT_CERTIFICATES, name) is None:
        metadata = {"name": ROOT_CERTIFICATES, "namespace": name}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": ""}}
        context.store.create(CONFIG_MAPS, body)
    return None


def _empty(context: Context, name: str) -> float | None:
    left = 0
    definitions = context.store.list(DEFINITIONS)
    for resource in (*BUILT_IN, *map(custom, definitions)):
        if not resource.namespaced:
            continue
        for each in context.store.list(resource, name):
            left += 1
            if not is_deleted(each):
                try:
                    context.store.delete(resource, each["metadata"]["name"], name)
                except ApiError:  # it went with its owner
                    continue
    if left:
        return RETRY
    try:
        context.store.change(NAMESPACES, name, "", lambda body: body["spec"].update({"finalizers": []}))
    except ApiError:
        return None  # it is gone
    return None
