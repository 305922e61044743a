"""`!reference [job, keyword, …]`: a value taken from elsewhere in the configuration, up to 10 levels deep.

https://docs.gitlab.com/ci/yaml/yaml_optimization/#reference-tags
"""

from __future__ import annotations

from typing import Any

from mcci.pipeline.document import List, Map, Reference
from mcci.pipeline.extends import Report

MAX_LEVELS = 10


def resolve_references(root: Map, report: Report) -> Map:
    """Return `root` with every reference replaced by what it names; what holds none is shared, not copied.

    A reference that names nothing, itself, or goes too deep is reported and becomes null.
    """
    resolved = _Resolver(root, report).resolve(root)
    assert isinstance(resolved, Map)
    return resolved


class _Resolver:
    def __init__(self, root: Map, report: Report) -> None:
        self.root = root
        self.report = report
        self._under_way: list[tuple[str, ...]] = []
        self._without: set[int] = set()
        self._done: dict[tuple[str, ...], tuple[Any, int]] = {}
        self._deepest = 0

    def resolve(self, value: Any) -> Any:
        """Return `value` with the references in it resolved."""
        if isinstance(value, Reference):
            return self._look_up(value)
        if not isinstance(value, Map | List) or id(value) in self._without:
            return value
        return self._map(value) if isinstance(value, Map) else self._list(value)

    def _map(self, value: Map) -> Map:
        changed = {key: new for key, item in value.items() if (new := self.resolve(item)) is not item}
        if not changed:
            self._without.add(id(value))
            return value
        copy = Map(value.file, value.node, value.origins)
        copy.update(value)
        copy.update(changed)
        return copy

    def _list(self, value: List) -> List:
        items = [self.resolve(item) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            self._without.add(id(value))
            return value
        copy = List(value.file, value.node)
        copy.extend(items)
        return copy

    def _look_up(self, reference: Reference) -> Any:
        path = tuple(reference)
        shown = f"!reference {list(path)}"
        if not path or not all(isinstance(step, str) for step in path):
            self.report("reference", f"{shown}: a reference is a list of names", reference.position())
            return None
        if path in self._done:
            resolved, levels = self._done[path]
            self._deepest = max(self._deepest, len(self._under_way) + levels)
            if self._deepest > MAX_LEVELS:
                self._report_depth(shown, reference)
            return resolved
        if path in self._under_way:
            self.report("reference-cycle", f"{shown} is part of a circular chain", reference.position())
            return None
        if len(self._under_way) >= MAX_LEVELS:
            self._report_depth(shown, reference)
            return None
        found: Any = self.root
        for step in path:
            found = found.get(step) if isinstance(found, Map) else None
        if found is None or found is False:
            self.report("reference", f"{shown} could not be found", reference.position())
            return None
        above, self._deepest = self._deepest, len(self._under_way) + 1
        resolved = self._within(path, found)
        self._done[path] = (resolved, self._deepest - len(self._under_way))
        self._deepest = max(above, self._deepest)
        return resolved

    def _report_depth(self, shown: str, reference: Reference) -> None:
        message = f"{shown} goes through more than {MAX_LEVELS} references"
        self.report("reference-depth", message, reference.position())

    def _within(self, path: tuple[str, ...], value: Any) -> Any:
        self._under_way.append(path)
        try:
            return self.resolve(value)
        finally:
            self._under_way.pop()
