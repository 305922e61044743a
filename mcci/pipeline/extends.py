"""`extends`: a job takes what it does not say itself from other jobs, up to 11 levels deep.

https://docs.gitlab.com/ci/yaml/#extends
"""

from __future__ import annotations

from collections.abc import Callable

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.merge import deep_merge

MAX_LEVELS = 11
MAX_MERGED_KEYS = 3_000_000

Report = Callable[[str, str, Position], None]


def resolve_extends(root: Map, report: Report) -> Map:
    """Return `root` with every `extends` carried out; each base is resolved once and its values are shared.

    What is wrong goes to `report(rule, message, position)`; the job then keeps what it says itself.
    """
    if not any(isinstance(entry, Map) and "extends" in entry for entry in root.values()):
        return root
    resolver = _Resolver(root, report)
    resolved = Map(root.file, root.node, root.origins)
    for key, entry in root.items():
        resolved[key] = resolver.resolve(key)[0] if isinstance(entry, Map) and "extends" in entry else entry
    return resolved


class _Resolver:
    def __init__(self, root: Map, report: Report) -> None:
        self.root = root
        self.report = report
        self._done: dict[str, tuple[Map, int]] = {}
        self._under_way: list[str] = []
        self._merged_keys = 0

    def resolve(self, key: str) -> tuple[Map, int]:
        """Return the entry with its bases merged below it, and how many levels of bases it has."""
        known = self._done.get(key)
        if known is not None:
            return known
        entry: Map = self.root[key]
        if "extends" not in entry:
            return entry, 0
        self._under_way.append(key)
        merged, levels = self._merge_bases(key, entry)
        self._under_way.pop()
        self._done[key] = (merged, levels)
        return merged, levels

    def _merge_bases(self, key: str, entry: Map) -> tuple[Map, int]:
        position = entry.value_position("extends")
        names = _names(entry["extends"])
        if names is None:
            self.report("extends", f"{key}: extends must be the name of a job, or a list of names", position)
            return entry, 0
        merged: Map | None = None
        deepest = 0
        for name in names:
            base = self._base(key, name, position)
            if base is None:
                continue
            deepest = max(deepest, base[1] + 1)
            merged = base[0] if merged is None else deep_merge(merged, base[0])
        if deepest >= MAX_LEVELS and len(self._under_way) == 1:
            message = f"{key}: nesting too deep: extends goes through more than {MAX_LEVELS - 1} levels"
            self.report("extends-depth", message, position)
        if merged is None or self._is_too_large(merged, position):
            return entry, deepest
        return deep_merge(merged, entry), deepest

    def _is_too_large(self, merged: Map, position: Position) -> bool:
        """Return whether all merging so far made more than memory should hold; reported once."""
        before = self._merged_keys
        self._merged_keys += len(merged) + sum(len(value) for value in merged.values() if isinstance(value, Map))
        if before <= MAX_MERGED_KEYS < self._merged_keys:
            message = f"extends makes more than {MAX_MERGED_KEYS:,} keys in all, more than GitLab would take"
            self.report("yaml-size", message, position)
        return self._merged_keys > MAX_MERGED_KEYS

    def _base(self, key: str, name: str, position: Position) -> tuple[Map, int] | None:
        if name not in self.root:
            self.report("extends", f"{key}: unknown key '{name}' in extends", position)
            return None
        if not isinstance(self.root[name], Map):
            self.report("extends", f"{key}: '{name}' in extends is not a job", position)
            return None
        if name in self._under_way:
            chain = " → ".join([*self._under_way[self._under_way.index(name) :], name])
            self.report("extends-cycle", f"{key}: circular extends: {chain}", position)
            return None
        if len(self._under_way) > MAX_LEVELS:
            return self.root[name], MAX_LEVELS
        return self.resolve(name)


def _names(value: object) -> list[str] | None:
    if isinstance(value, str):
        return [value]
    if isinstance(value, List) and value and all(isinstance(name, str) for name in value):
        return list(value)
    return None
