"""JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any

from mcci.lab.clusters.status import ApiError, bad_request


def apply(target: Any, operations: Any) -> Any:
    """Return the target with the operations done, one after another. Raises ApiError 400, and 422 where one fails."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is a list of operations")
    result = copy.deepcopy(target)
    for operation in operations:
        try:
            result = _one(result, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            why = f"the server rejected our request due to an error in our request: {operation}: {error}"
            raise ApiError(422, "Invalid", why) from error
    return result


def _one(target: Any, operation: dict[str, Any]) -> Any:
    name, path = operation["op"], _parse(operation["path"])
    match name:
        case "add":
            return _add(target, path, copy.deepcopy(operation["value"]))
        case "remove":
            return _remove(target, path)
        case "replace":
            _get(target, path)
            return _add(_remove(target, path), path, copy.deepcopy(operation["value"]))
        case "move":
            source = _parse(operation["from"])
            return _add(_remove(target, source), path, _get(target, source))
        case "copy":
            return _add(target, path, copy.deepcopy(_get(target, _parse(operation["from"]))))
        case "test":
            if _get(target, path) != operation["value"]:
                raise ValueError("testing value failed")
            return target
    raise ValueError(f"unknown operation {name!r}")


def _parse(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _get(target: Any, path: list[str]) -> Any:
    for part in path:
        target = target[_index(part)] if isinstance(target, list) else target[part]
    return copy.deepcopy(target)


def _add(target: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(target)
    last = len(path) == 1
    if not isinstance(changed, list):
        changed[path[0]] = value if last else _add(changed[path[0]], path[1:], value)
    elif not last:
        changed[_index(path[0])] = _add(changed[_index(path[0])], path[1:], value)
    else:
        place = len(changed) if path[0] == "-" else _index(path[0])
        if place > len(changed):
            raise IndexError(f"index {place} is out of bounds")
        changed.insert(place, value)
    return changed


def _remove(target: Any, path: list[str]) -> Any:
    if not path:
        return None
    changed = copy.copy(target)
    place = _index(path[0]) if isinstance(changed, list) else path[0]
    if len(path) == 1:
        del changed[place]
    else:
        changed[place] = _remove(changed[place], path[1:])
    return changed


def _index(part: str) -> int:
    if not part.isdigit():
        raise ValueError(f"{part!r} is not an index")
    return int(part)
