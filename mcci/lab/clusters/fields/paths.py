"""The fields of an object as paths, in the notation of FieldsV1: `f:name`, `k:{keys}`, `v:value`.

With every leaf under its path, ownership is a matter of sets: who owns what, what changed, who is in conflict.
Source: https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v4/fieldpath
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.schemas.schema import KEY_DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]
Path = tuple[str, ...]
Paths = frozenset[Path]
INNER = object()  # the "value" of what has paths of its own below it: a list's item, a map, a list with keys

# Nobody owns these: they are the object's identity, or the server's.
STRIPPED: Paths = frozenset(
    {(), ("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    }
)


def leaves(body: Object, schema: Schema) -> dict[Path, Any]:
    """Return every path that an apply of this body owns, with its value."""
    return _kept(_leaves(body, schema, ()))


def nodes(body: Object, schema: Schema) -> dict[Path, Any]:
    """Return every path by which two states of an object are compared, maps and lists themselves among them."""
    return _kept(_nodes(body, schema, ()))


def _kept(found: Iterator[tuple[Path, Any]]) -> dict[Path, Any]:
    return {
        path: value for path, value in found if path not in STRIPPED and path[:2] != ("f:metadata", "f:managedFields")
    }


def item_key(item: Any, schema: Schema) -> str:
    """Return the path element of a list's item, for a list with keys or a set."""
    if not schema.map_keys:
        return "v:" + _dump(item)
    keys = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in schema.map_keys if isinstance(item, dict)}
    return "k:" + _dump({key: value for key, value in keys.items() if value is not None})


def keyed(schema: Schema) -> bool:
    """Whether a list's items have owners of their own."""
    return bool(schema.map_keys) or schema.is_set


def encode(paths: Iterable[Path]) -> Object:
    """Return a set of paths as FieldsV1."""
    root: Object = {}
    owned = set(paths)
    for path in sorted(owned):
        node = root
        for part in path:
            node = node.setdefault(part, {})
    for path in owned:
        node = root
        for part in path:
            node = node[part]
        if node:
            node["."] = {}
    return root


def decode(fields: Object) -> Paths:
    """Return FieldsV1 as a set of paths."""
    return frozenset(_decode(fields, ()))


def display(path: Path) -> str:
    """Return a path as conflicts name it: `.spec.containers[name="web"].image`."""
    text = ""
    for part in path:
        kind, _, value = part.partition(":")
        if kind == "f":
            text += f".{value}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={_dump(item)}" for key, item in json.loads(value).items()) + "]"
        else:
            text += f"[={value}]"
    return text


def _leaves(value: Any, schema: Schema, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and not schema.atomic:
        for key, item in value.items():
            below = (*path, f"f:{key}")
            if item is None or item == {}:
                yield below, item
                continue
            if not schema.named(key):
                yield below, INNER  # a key of a free map is there or not, whatever is below it
            yield from _leaves(item, schema.field(key), below)
    elif isinstance(value, list) and keyed(schema):
        for item in value:
            below = (*path, item_key(item, schema))
            yield below, INNER
            if schema.map_keys:
                yield from _leaves(item, schema.items, below)
    elif path:
        yield path, value


def _nodes(value: Any, schema: Schema, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and not schema.atomic:
        yield path, INNER
        for key, item in value.items():
            if item is not None:
                yield from _nodes(item, schema.field(key), (*path, f"f:{key}"))
    elif isinstance(value, list) and keyed(schema):
        yield path, INNER
        for item in value:
            below = (*path, item_key(item, schema))
            yield below, INNER
            if schema.map_keys:
                yield from _nodes(item, schema.items, below)
    else:
        yield path, value


def _decode(fields: Object, path: Path) -> Iterator[Path]:
    if path and (not fields or "." in fields):
        yield path
    for part, below in fields.items():
        if part != ".":
            yield from _decode(below, (*path, part))


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
