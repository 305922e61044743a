"""Strategic merge patch: as a merge patch, but lists whose kind names a key merge item by item.

Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import bad_request

if TYPE_CHECKING:
    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]
DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE = "$deleteFromPrimitiveList/"


def strategic_merge(target: Object, patch: Object, schema: Schema) -> Object:
    """Return the target with the patch merged in. Raises ApiError 400 for a patch that makes no sense."""
    directive = patch.get(DIRECTIVE)
    if directive == "delete":
        return {}
    if directive == "replace":
        replacement: Object = _plain({key: value for key, value in patch.items() if key != DIRECTIVE})
        return replacement
    if directive not in (None, "merge"):
        raise bad_request(f"unknown patch directive {directive!r}")
    merged = dict(target)
    if RETAIN in patch:
        merged = {key: value for key, value in merged.items() if key in patch[RETAIN]}
    for key, value in patch.items():
        if not key.startswith("$"):
            _field(merged, key, value, schema.field(key))
    for key, value in patch.items():
        if key.startswith(DELETE):
            name = key.removeprefix(DELETE)
            merged[name] = [item for item in merged.get(name, ()) if item not in value]
    for key, value in patch.items():
        if key.startswith(ORDER):
            name = key.removeprefix(ORDER)
            if name in merged:
                merged[name] = _ordered(merged[name], target.get(name, []), value, schema.field(name).merge_key)
    return merged


def _field(merged: Object, key: str, value: Any, schema: Schema) -> None:
    current = merged.get(key)
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        if "replace" in schema.strategies:
            merged[key] = _plain(value)
        elif value.get(DIRECTIVE) == "delete":
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge(current if isinstance(current, dict) else {}, value, schema)
    elif isinstance(value, list) and "merge" in schema.strategies:
        merged[key] = _list(current if isinstance(current, list) else [], value, schema)
    else:
        merged[key] = _plain(value)


def _list(current: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    key = schema.merge_key
    if not key:
        return _ordered(current + [item for item in patch if item not in current], current, patch, key)
    if any(isinstance(item, dict) and item.get(DIRECTIVE) == "replace" and len(item) == 1 for item in patch):
        return [_plain(item) for item in patch if DIRECTIVE not in item]
    result = list(current)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        places = [index for index, known in enumerate(result) if known.get(key) == item[key]]
        if item.get(DIRECTIVE) == "delete":
            result = [known for known in result if known.get(key) != item[key]]
        elif places and item.get(DIRECTIVE) == "replace":
            result[places[0]] = _plain({name: value for name, value in item.items() if name != DIRECTIVE})
        elif places:
            result[places[0]] = strategic_merge(result[places[0]], item, schema.items)
        else:
            result.append(_plain(item))
    return _ordered(result, current, [item for item in patch if item.get(DIRECTIVE) != "delete"], key)


def _ordered(items: list[Any], before: list[Any], order: list[Any], key: str) -> list[Any]:
    """Put the items that the patch names in its order; one that only the server has stays before what followed it."""

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted, old = [identity(item) for item in order], [identity(item) for item in before]
    named = sorted((item for item in items if identity(item) in wanted), key=lambda item: wanted.index(identity(item)))
    others = [item for item in items if identity(item) not in wanted]
    result: list[Any] = []
    while others and named:
        other, name = identity(others[0]), identity(named[0])
        ahead = name in old and other in old and old.index(other) < old.index(name)
        result.append(others.pop(0) if ahead else named.pop(0))
    return result + others + named


def _plain(value: Any) -> Any:
    """Leave out directives and nulls, of what becomes the value."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not key.startswith("$") and item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value if not (isinstance(item, dict) and item.get(DIRECTIVE) == "delete")]
    return value
