"""What the cluster serves, as clients discover it: one document a group version, or all in one (aggregated)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
# The subresources that the lab answers, with their verbs and the kind they take.
SUBRESOURCES: dict[tuple[str, str], dict[str, tuple[tuple[str, ...], tuple[str, str, str]]]] = {
    ("", "pods"): {"log": (("get",), ("", "v1", "Pod")), "eviction": (("create",), ("policy", "v1", "Eviction"))},
    ("", "namespaces"): {"finalize": (("update",), ("", "v1", "Namespace"))},
    ("", "serviceaccounts"): {"token": (("create",), ("authentication.k8s.io", "v1", "TokenRequest"))},
}
CHANGING = ("get", "patch", "update")
AGGREGATED = "APIGroupDiscoveryList"


def document(resources: Iterable[Resource], path: str, accept: str, address: str) -> Object | None:
    """Return the discovery document of a path; None where it is not one. Raises ApiError 404 for an unknown group."""
    parts = [part for part in path.split("/") if part]
    served = list(resources)
    match parts:
        case ["api" | "apis" as root] if f"as={AGGREGATED}" in accept:
            return _aggregated(served, core=root == "api")
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
        case ["apis"]:
            groups = [_group(served, name) for name in _groups(served) if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group] if group in _groups(served):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(served, group)}
        case ["api", version]:
            return _resource_list(served, "", version)
        case ["apis", group, version]:
            return _resource_list(served, group, version)
        case ["apis", _]:
            raise _unknown()
    return None


def _groups(resources: list[Resource]) -> list[str]:
    return list(dict.fromkeys(resource.group for resource in resources))


def _versions(resources: list[Resource], group: str) -> list[str]:
    return list(dict.fromkeys(v for resource in resources if resource.group == group for v in resource.versions))


def _group(resources: list[Resource], name: str) -> Object:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in _versions(resources, name)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(resources: list[Resource], group: str, version: str) -> Object:
    found = [resource for resource in resources if resource.group == group and version in resource.versions]
    if not found:
        raise _unknown()
    entries = [entry for resource in found for entry in _entries(resource)]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _entries(resource: Resource) -> list[Object]:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    entries = [entry]
    for name, (verbs, (group, version, kind)) in subresources(resource).items():
        below = {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kind,
            "verbs": list(verbs),
        }
        if kind != resource.kind:
            below |= {"group": group, "version": version}
        entries.append(below)
    return entries


def subresources(resource: Resource) -> dict[str, tuple[tuple[str, ...], tuple[str, str, str]]]:
    """Return what a kind has below an object: name → (verbs, the kind it takes)."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, str, str]]] = {}
    if resource.status:
        found["status"] = (CHANGING, (resource.group, resource.versions[0], resource.kind))
    if resource.scale:
        found["scale"] = (CHANGING, ("autoscaling", "v1", "Scale"))
    return found | SUBRESOURCES.get((resource.group, resource.plural), {})


def _aggregated(resources: list[Resource], *, core: bool) -> Object:
    groups = [name for name in _groups(resources) if bool(name) is not core]
    items = [{"metadata": {"name": name or None}, "versions": _aggregated_versions(resources, name)} for name in groups]
    return {"kind": AGGREGATED, "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_versions(resources: list[Resource], group: str) -> list[Object]:
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [
                _aggregated_entry(resource, version)
                for resource in resources
                if resource.group == group and version in resource.versions
            ],
        }
        for version in _versions(resources, group)
    ]


def _aggregated_entry(resource: Resource, version: str) -> Object:
    return {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
        "subresources": [
            {
                "subresource": name,
                "responseKind": {"group": kind[0], "version": kind[1], "kind": kind[2]},
                "verbs": list(verbs),
            }
            for name, (verbs, kind) in subresources(resource).items()
        ],
    }


def _unknown() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")
