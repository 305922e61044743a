"""OpenAPI v3, one document a group version: from it clients learn schemas and that PATCH takes `fieldValidation`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.catalog import Catalog
    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]
ROOT = "/openapi/v3"
SCHEMAS = "#/components/schemas/"
QUERY = ("dryRun", "fieldManager", "fieldValidation", "force")


def document(catalog: Catalog, path: str) -> Object | None:
    """Return the index or one group version's document; None where there is none."""
    pages = {_page(group, version): (group, version) for group, version in _group_versions(catalog)}
    if path == ROOT:
        return {"paths": {page: {"serverRelativeURL": _url(catalog, page)} for page in pages}}
    found = pages.get(path.removeprefix(f"{ROOT}/"))
    return _group_version(catalog, *found) if found else None


def _group_versions(catalog: Catalog) -> dict[tuple[str, str], None]:
    return {(resource.group, version): None for resource in catalog.resources for version in resource.versions}


def _page(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _url(catalog: Catalog, page: str) -> str:
    """With a hash of what is served, so that a client's cache knows when to ask again."""
    served = json.dumps([(item.group, item.versions, item.plural) for item in catalog.resources])
    return f"{ROOT}/{page}?hash={hashlib.sha256(served.encode()).hexdigest()[:32].upper()}"


def _group_version(catalog: Catalog, group: str, version: str) -> Object:
    paths: Object = {}
    schemas: Object = {}
    for resource in catalog.resources:
        if resource.group == group and version in resource.versions:
            schema = catalog.schema(resource, version)
            name = f"{group or 'core'}.{version}.{resource.kind}"
            kind = {"group": group, "version": version, "kind": resource.kind}
            schemas[name] = {**_linked(schema.node), "x-kubernetes-group-version-kind": [kind]}
            schemas |= {below: _linked(schema.definitions[below]) for below in _below(schema)}
            paths |= _paths(resource, version, kind, name)
    info = {"title": "mcci lab: a test double of Kubernetes", "version": "v1.34.0"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _paths(resource: Resource, version: str, kind: Object, schema: str) -> Object:
    root = f"/{_page(resource.group, version)}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    listing = f"{root}{scope}/{resource.plural}"
    one = f"{listing}/{{name}}"
    paths: Object = {listing: {}, one: {}}
    for place, method, verb in ((listing, "get", "list"), (listing, "post", "create"), (one, "get", "get")):
        paths[place][method] = _operation(verb, kind, schema, ("post",), method)
    for method, verb in (("put", "update"), ("patch", "patch"), ("delete", "delete")):
        paths[one][method] = _operation(verb, kind, schema, ("put", "patch"), method)
    return {path: methods for path, methods in paths.items() if methods}


def _operation(verb: str, kind: Object, schema: str, writing: tuple[str, ...], method: str) -> Object:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in (QUERY if method in writing else ())
    ]
    content = {"application/json": {"schema": {"$ref": SCHEMAS + schema}}}
    operation: Object = {
        "operationId": f"{verb}{kind['group'].title().replace('.', '')}{kind['version'].title()}{kind['kind']}",
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": content}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": kind,
    }
    if method in ("post", "put"):
        operation["requestBody"] = {"content": content}
    return operation


def _below(schema: Schema) -> set[str]:
    """Return the definitions that a schema leads to."""
    found: set[str] = set()
    left = list(_references(schema.node))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(_references(schema.definitions[name]))
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _linked(node: Any) -> Any:
    """Return a schema whose references are the document's, and whose mixed types OpenAPI can say."""
    if isinstance(node, list):
        return [_linked(item) for item in node]
    if not isinstance(node, dict):
        return node
    linked = {key: _linked(value) for key, value in node.items()}
    if isinstance(linked.get("$ref"), str):
        linked["$ref"] = SCHEMAS + linked["$ref"]
    if isinstance(linked.get("type"), list):
        linked["oneOf"] = [{"type": kind} for kind in linked.pop("type")]
    return linked
