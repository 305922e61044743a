"""What services take from elsewhere in the file: from `defaults`, and the canary's analysis from `canary`.

It is done on the YAML nodes, before anything is built, so that every inherited value keeps the place it was written at.
"""

from __future__ import annotations

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from mcci.config.read import MAX_VALUES, at, pairs, size, tag
from mcci.errors import InvalidInput
from mcci.findings import Finding

_Pair = tuple[Node, Node]


def inherited(root: MappingNode, file: str) -> MappingNode:
    """Return `root` with services that hold what `defaults` and `canary.analysis` give them.

    Mappings are merged key by key, and the service's own key outranks the inherited one; any other value replaces what
    it inherits.
    """
    items = pairs(root, file)[0]
    services, defaults = _mapping(items, "services"), _mapping(items, "defaults")
    canary = _mapping(items, "canary")
    analysis = _mapping(pairs(canary, file)[0], "analysis") if canary else None
    if services is None or (defaults is None and analysis is None):
        return root
    if defaults and len(services.value) * size(defaults) > MAX_VALUES:
        raise _too_large(defaults, file)
    value = [(key, _service(node, defaults, analysis, file)) for key, node in services.value]
    key = items["services"][0]
    rest = [pair for pair in root.value if pair[0] is not key]
    return _copy(root, [*rest, (key, _copy(services, value))])


def _service(node: Node, defaults: MappingNode | None, analysis: MappingNode | None, file: str) -> Node:
    if isinstance(node, ScalarNode) and tag(node) == "null" and defaults:
        node = _copy(node, [])
    if not isinstance(node, MappingNode):
        return node
    if defaults:
        node = _overlay(node, defaults, file)
    items = pairs(node, file)[0]
    canary = _mapping(items, "canary")
    own = pairs(canary, file)[0].get("analysis") if canary else None
    if not (analysis and canary and own and isinstance(own[1], MappingNode)):
        return node
    full = _copy(canary, _replaced(canary.value, own, _overlay(own[1], analysis, file)))
    return _copy(node, _replaced(node.value, items["canary"], full))


def _overlay(own: MappingNode, base: MappingNode, file: str) -> MappingNode:
    own_items = pairs(own, file)[0]
    value = list(own.value)
    for text, (key, node) in pairs(base, file)[0].items():
        mine = own_items.get(text)
        if mine is None:
            value.append((key, node))
        elif isinstance(mine[1], MappingNode) and isinstance(node, MappingNode):
            value = _replaced(value, mine, _overlay(mine[1], node, file))
    return _copy(own, value)


def _replaced(value: list[_Pair], old: _Pair, new: Node) -> list[_Pair]:
    """Return `value` with `new` in place of the value of `old`, which may come from a merge key."""
    if any(node is old[1] for _, node in value):
        return [(key, new if node is old[1] else node) for key, node in value]
    return [*value, (old[0], new)]


def _copy(node: Node, value: list[_Pair]) -> MappingNode:
    return MappingNode("tag:yaml.org,2002:map", value, node.start_mark, node.end_mark)


def _too_large(defaults: Node, file: str) -> InvalidInput:
    message = "'defaults' is too large for so many services."
    return InvalidInput([Finding(rule="config-unreadable", message=message, position=at(defaults, file))])


def _mapping(items: dict[str, _Pair], name: str) -> MappingNode | None:
    node = items.get(name, (None, None))[1]
    return node if isinstance(node, MappingNode) else None
