"""Field ownership as the API server keeps it, on whole objects: lists belong to one manager as they are.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import copy
from typing import Any

Object = dict[str, Any]
Path = tuple[str, ...]
Owner = tuple[str, str]  # the manager, and how it writes: Apply or Update
Owners = dict[Owner, set[Path]]


def leaves(body: Object) -> dict[Path, Any]:
    """Return the fields of an object that somebody may own, with their values."""
    metadata = {key: value for key, value in body.get("metadata", {}).items() if key in ("labels", "annotations")}
    rest = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    found: dict[Path, Any] = {}
    _collect({"metadata": metadata, **rest}, (), found)
    return found


def _collect(value: Any, at: Path, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            _collect(each, (*at, key), found)
    elif at and not (isinstance(value, dict) and at == ("metadata",)):
        found[at] = value


def conflicts(owners: Owners, me: Owner, current: Object, wanted: dict[Path, Any]) -> list[tuple[str, Path]]:
    """Return the managers beside `me` that own a field which `wanted` gives another value."""
    have = leaves(current)
    return [
        (owner[0], path)
        for owner, paths in sorted(owners.items())
        for path in sorted(paths)
        if owner != me and path in wanted and have.get(path) != wanted[path]
    ]


def applied(owners: Owners, me: Owner, current: Object, body: Object) -> Object:
    """Return `current` with the fields of `body`, and without those that `me` applied before and no longer does."""
    wanted, new = leaves(body), copy.deepcopy(current)
    for path, value in wanted.items():
        _put(new, path, copy.deepcopy(value))
    others = {path for owner, paths in owners.items() if owner != me for path in paths}
    for path in sorted(owners.get(me, set()) - set(wanted) - others, reverse=True):
        _drop(new, path)
    for paths in owners.values():
        paths.difference_update({path for path, value in wanted.items() if leaves(current).get(path, ...) != value})
    owners[me] = set(wanted)
    return new


def updated(owners: Owners, me: Owner, old: Object, new: Object) -> None:
    """Give `me` the fields that an ordinary write changed."""
    before, after = leaves(old), leaves(new)
    changed = {path for path, value in after.items() if before.get(path, ...) != value}
    for paths in owners.values():
        paths.difference_update(changed, set(before) - set(after))
    owners.setdefault(me, set()).update(changed)


def managed(owners: Owners, api_version: str) -> list[Object]:
    """Return `metadata.managedFields`."""
    found = []
    for (manager, operation), paths in sorted(owners.items()):
        if paths:
            fields: Object = {}
            for path in sorted(paths):
                at = fields
                for name in path:
                    at = at.setdefault(f"f:{name}", {})
            found.append(
                {"manager": manager, "operation": operation, "apiVersion": api_version, "fieldsType": "FieldsV1",
                 "fieldsV1": fields}
            )  # fmt: skip
    return found


def _put(body: Object, path: Path, value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(body.get(name), dict):
            body[name] = {}
        body = body[name]
    body[path[-1]] = value


def _drop(body: Object, path: Path) -> None:
    for name in path[:-1]:
        if not isinstance(body.get(name), dict):
            return
        body = body[name]
    body.pop(path[-1], None)
