"""The form in which a client wants its answer: the object, a Table as kubectl prints it, or only the metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
METADATA = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}


def form_of(resource: Resource, version: str, accept: str, include: str = "") -> Callable[[Object], Object]:
    """Return how one object is shown; `include` is a Table's `includeObject`."""
    if "as=Table" in accept:
        return lambda body: tables.table(resource, [typed(resource, version, body)], include or "Metadata")
    if "as=PartialObjectMetadata" in accept:
        return lambda body: {**METADATA, "metadata": body["metadata"]}
    return lambda body: typed(resource, version, body)


def list_form(
    resource: Resource, version: str, accept: str, items: list[Object], metadata: Object, include: str = ""
) -> Object:
    """Return how a list is shown."""
    if "as=Table" in accept:
        shown = [typed(resource, version, item) for item in items]
        return {**tables.table(resource, shown, include or "Metadata"), "metadata": metadata}
    if "as=PartialObjectMetadataList" in accept:
        rows = [{**METADATA, "metadata": item["metadata"]} for item in items]
        return {**METADATA, "kind": "PartialObjectMetadataList", "metadata": metadata, "items": rows}
    head = {"apiVersion": resource.version(version), "kind": f"{resource.kind}List"}
    shown = [typed(resource, version, item) if resource.custom else _untyped(item) for item in items]
    return {**head, "metadata": metadata, "items": shown}


def typed(resource: Resource, version: str, body: Object) -> Object:
    """Return an object in the version that was asked for."""
    return {"kind": resource.kind, "apiVersion": resource.version(version), **_untyped(body)}


def _untyped(body: Object) -> Object:
    return {key: value for key, value in body.items() if key not in ("kind", "apiVersion")}
