"""How GitLab merges two mappings: key by key, mappings into each other, everything else replaced by the later one."""

from __future__ import annotations

from typing import Any

from mcci.pipeline.document import Map


def deep_merge(base: Map, over: Map) -> Map:
    """Return `base` with `over` merged onto it; neither is changed, and untouched values are shared.

    Keys keep the order of `base`, new ones follow. Each key's position is that of the mapping it came from last.
    """
    if not over:
        return base
    origins: dict[Any, Map] = dict.fromkeys(base, base)
    merged = Map(over.file, over.node, origins)
    merged.update(base)
    for key, value in over.items():
        below = base.get(key)
        merged[key] = deep_merge(below, value) if isinstance(value, Map) and isinstance(below, Map) else value
        origins[key] = over
    return merged
