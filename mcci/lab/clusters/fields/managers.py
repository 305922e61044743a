"""metadata.managedFields: who wrote what, and how that changes when somebody writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.fields.paths import Path, Paths, decode, encode, nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """One entry: a manager owns these paths, by this operation (`Apply` or `Update`)."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""
    time: str = ""
    paths: Paths = frozenset()

    def same(self, other: Manager) -> bool:
        """Whether both are one manager's entry."""
        return self._identity == other._identity

    @property
    def _identity(self) -> tuple[str, ...]:
        # An applier stays itself when it moves to another version of the kind.
        version = "" if self.operation == "Apply" else self.api_version
        return self.name, self.operation, version, self.subresource


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs between two states of an object."""

    changed: Paths
    removed: Paths


def read(body: Object) -> list[Manager]:
    """Return the managers that an object names."""
    entries = body["metadata"].get("managedFields", ())
    return [
        Manager(
            name=entry.get("manager", ""),
            operation=entry.get("operation", "Update"),
            api_version=entry.get("apiVersion", ""),
            subresource=entry.get("subresource", ""),
            time=entry.get("time", ""),
            paths=decode(entry.get("fieldsV1", {})),
        )
        for entry in entries
    ]


def write(body: Object, managers: Iterable[Manager]) -> None:
    """Put the managers into an object; one that owns nothing is left out."""
    entries = [_entry(manager) for manager in managers if manager.paths]
    body["metadata"].pop("managedFields", None)
    if entries:
        body["metadata"]["managedFields"] = entries


def compare(before: Object, after: Object, schema: Schema) -> Changes:
    """Return the paths whose value is new or another, and those that are gone."""
    old, new = nodes(before, schema), nodes(after, schema)
    return Changes(
        changed=frozenset(path for path, value in new.items() if path not in old or old[path] != value),
        removed=frozenset(old.keys() - new.keys()),
    )


def updated(before: Object, after: Object, schema: Schema, writer: Manager, ignored: Iterable[Path]) -> list[Manager]:
    """Return the managers after a write that is not an apply: the writer owns all it changed, others lose that.

    `ignored` are the prefixes that this write cannot change (status, for one).
    """
    changes = compare(before, after, schema)
    outside = tuple(ignored)
    changed = frozenset(path for path in changes.changed if not any(path[: len(part)] == part for part in outside))
    managers = [replace(manager, paths=manager.paths - changes.removed) for manager in read(before)]
    if not changed:
        return managers
    mine = [manager for manager in managers if manager.same(writer)]
    owned = frozenset().union(changed, *(manager.paths for manager in mine))
    others = [replace(manager, paths=manager.paths - changed) for manager in managers if not manager.same(writer)]
    return [*others, replace(writer, paths=owned)]


def _entry(manager: Manager) -> Object:
    entry: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": manager.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": encode(manager.paths),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry
