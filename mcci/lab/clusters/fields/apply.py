"""Server-side apply: the applied configuration merged into the live object, unless that takes a field from its owner.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.fields.managers import Manager, compare, read, write
from mcci.lab.clusters.fields.paths import STRIPPED, Path, Paths, display, item_key, keyed, leaves
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]


def applied(live: Object, config: Object, schema: Schema, applier: Manager, *, force: bool) -> Object:
    """Return the live object (`{"metadata": {}}` for none) with the configuration applied, and its managers.

    Raises ApiError 409 with a cause for each field that another manager set to another value, unless `force`.
    """
    managers = read(live)
    last = frozenset().union(*(manager.paths for manager in managers if manager.same(applier)))
    others = [manager for manager in managers if not manager.same(applier)]
    mine = replace(applier, paths=frozenset(leaves(config, schema)))
    merged: Object = _merge(copy.deepcopy(live), config, schema)
    _prune(merged, schema, last, [*others, mine])
    changes = compare(live, merged, schema)
    conflicts = [(other, path) for other in others for path in sorted(other.paths & changes.changed)]
    if conflicts and not force:
        raise _refusal(conflicts)
    others = [replace(other, paths=other.paths - changes.changed - changes.removed) for other in others]
    same = next((manager for manager in managers if manager.same(applier)), None)
    if same and same.paths == mine.paths and not changes.changed and not changes.removed:
        mine = replace(mine, time=same.time)  # an apply that changes nothing leaves the object as it is
    write(merged, [*others, mine] if same is None else _in_place(managers, others, mine))
    return merged


def _in_place(managers: list[Manager], others: list[Manager], mine: Manager) -> list[Manager]:
    return [next((other for other in others if other.same(manager)), mine) for manager in managers]


def _merge(live: Any, config: Any, schema: Schema) -> Any:
    if isinstance(config, dict) and isinstance(live, dict) and not schema.atomic:
        merged = dict(live)
        for key, value in config.items():
            merged[key] = _merge(live.get(key), value, schema.field(key))
        return merged
    if isinstance(config, list) and isinstance(live, list) and keyed(schema):
        return _merge_list(live, config, schema)
    return copy.deepcopy(config)


def _merge_list(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    """Keep both orders where they agree; where they do not, the configuration's counts.

    An item that only the live object has stays before what followed it there.
    """
    there = {item_key(item, schema): item for item in live}
    wanted = {item_key(item, schema): item for item in config}
    shared = [key for key in wanted if key in there]
    left, right = list(there), list(wanted)
    result: list[Any] = []
    while left or right:
        if left and left[0] in wanted and right and left[0] != right[0] and shared and left[0] != shared[0]:
            left.pop(0)  # it comes with the configuration, in another place
            continue
        if left and left[0] not in wanted:
            result.append(there[left.pop(0)])
            continue
        if left and (left[0] not in right or left[0] == right[0]):
            left.pop(0)
        if right:
            key = right.pop(0)
            shared = shared[1:] if shared[:1] == [key] else shared
            result.append(_item(there, wanted, key, schema))
    return result


def _item(there: Object, wanted: Object, key: str, schema: Schema) -> Any:
    return _merge(there[key], wanted[key], schema.items) if key in there else copy.deepcopy(wanted[key])


def _prune(merged: Object, schema: Schema, last: Paths, managers: Iterable[Manager]) -> None:
    """Remove what the applier had applied before, no longer does, and nobody else owns."""
    owned = _with_parents(frozenset().union(*(manager.paths for manager in managers)), schema)
    for path in sorted(_with_parents(last, schema) - owned, key=len):
        _remove(merged, schema, path)


def _with_parents(paths: Paths, schema: Schema) -> set[Path]:
    """Return the paths and the named fields they are in. An item of a list counts only where it is a path itself."""
    found = set(paths)
    for path in paths:
        at = schema
        for length, part in enumerate(path[:-1], start=1):
            if part.startswith("f:"):
                name = part[2:]
                if at.named(name) and path[:length] not in STRIPPED:
                    found.add(path[:length])
                at = at.field(name)
            else:
                at = at.items
    return found


def _remove(value: Any, schema: Schema, path: Path) -> None:
    part, rest = path[0], path[1:]
    if part.startswith("f:"):
        name = part[2:]
        if isinstance(value, dict) and name in value:
            if rest:
                _remove(value[name], schema.field(name), rest)
            else:
                del value[name]
    elif isinstance(value, list):
        for item in [item for item in value if item_key(item, schema) == part]:
            if rest:
                _remove(item, schema.items, rest)
            else:
                value.remove(item)


def _refusal(conflicts: list[tuple[Manager, Path]]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_told(manager)}", "field": display(path)}
        for manager, path in conflicts
    ]
    if len(conflicts) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        text = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(_by_manager(conflicts))
    return ApiError(409, "Conflict", text, {"causes": causes})


def _by_manager(conflicts: list[tuple[Manager, Path]]) -> list[str]:
    told = sorted({_told(manager) for manager, _ in conflicts})
    return [
        "\n".join(
            [
                f"conflicts with {name}:",
                *(f"- {display(path)}" for manager, path in conflicts if _told(manager) == name),
            ]
        )
        for name in told
    ]


def _told(manager: Manager) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    if manager.operation == "Update":
        text += f" using {manager.api_version}"
    return text
