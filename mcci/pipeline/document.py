"""GitLab CI/CD YAML as plain values that still know where they stood.

A `Map` is a dict and a `List` a list, each holding the YAML node it came from; a position is looked up in that node
only when somebody asks, so reading 10,000 jobs costs little more than composing their nodes with libyaml. Aliases
share one value, as they share one node: an alias bomb costs no memory here, and `expanded_size` tells how large it
would be.
A `Map` made by merging others remembers, key by key, which of them the key came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import yaml

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline.composing import compose

MAX_BYTES = 10 * 1024 * 1024
MAX_EXPANDED_NODES = 2_000_000

Value: TypeAlias = "Map | List | Reference | str | int | float | bool | None"


class Map(dict[Any, Any]):
    """A YAML mapping. Keys are strings wherever the text can be read so (`on:` and `1:` keep their text)."""

    __slots__ = ("_nodes", "file", "node", "origins")
    node: yaml.MappingNode
    file: str
    origins: Mapping[Any, Map] | None
    _nodes: dict[str, tuple[yaml.Node, yaml.Node]] | None

    def __init__(self, file: str, node: yaml.MappingNode, origins: Mapping[Any, Map] | None = None) -> None:
        self.file = file
        self.node = node
        self.origins = origins
        self._nodes = None

    def origin(self, key: str) -> Map:
        """Return the mapping, as it stood in a file, that `key` came from; without such a key, this one."""
        if self.origins is None:
            return self
        found = self.origins.get(key)
        return self if found is None or found is self else found.origin(key)

    def position(self, key: str | None = None) -> Position:
        """Return where `key` stands (its key, not its value); without a key, or with an absent one, the mapping."""
        if key is not None:
            origin = self.origin(key)
            nodes = origin._index().get(key)
            if nodes is not None:
                return _position(origin.file, nodes[0])
        return _position(self.file, self.node)

    def value_position(self, key: str) -> Position:
        """Return where the value of `key` starts; with an absent key, where the mapping does."""
        origin = self.origin(key)
        nodes = origin._index().get(key)
        return _position(self.file, self.node) if nodes is None else _position(origin.file, nodes[1])

    def _index(self) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        if self._nodes is None:
            pairs = (pair for pair in self.node.value if isinstance(pair[0], yaml.ScalarNode))
            self._nodes = {str(pair[0].value): pair for pair in pairs}
        return self._nodes


class List(list[Any]):
    """A YAML sequence."""

    __slots__ = ("file", "node")
    node: yaml.SequenceNode
    file: str

    def __init__(self, file: str, node: yaml.SequenceNode) -> None:
        self.file = file
        self.node = node

    def position(self, index: int | None = None) -> Position:
        """Return where item `index` stands; without an index, where the sequence does."""
        if index is not None and index < len(self.node.value):
            return _position(self.file, self.node.value[index])
        return _position(self.file, self.node)


class Reference(List):
    """GitLab's `!reference [job, keyword, …]`, not yet resolved."""

    __slots__ = ()


def read(text: str, file: str) -> list[Value]:
    """Return the documents of a GitLab YAML text: one, or the `spec` header and the content.

    Raises `InvalidInput` (with one finding, at its position) for text that is not YAML, has an unknown tag, is larger
    than `MAX_BYTES`, or would be larger than `MAX_EXPANDED_NODES` values once its aliases are expanded.
    """
    if len(text) > MAX_BYTES:
        raise _invalid("yaml-size", f"the file is larger than {MAX_BYTES // 2**20} MiB", Position(file=file))
    try:
        loader, nodes = compose(text)
        builder = _Builder(file, loader)
        documents = [None if node is None else builder.build(node) for node in nodes]
    except yaml.MarkedYAMLError as error:
        raise _invalid("yaml-syntax", _problem(error), _error_position(file, error)) from error
    except yaml.YAMLError as error:
        message = str(error).split("\n", 1)[0]
        raise _invalid("yaml-syntax", f"not YAML text: {message}", Position(file=file)) from error
    except RecursionError as error:
        raise _invalid("yaml-depth", "the YAML is nested too deeply", Position(file=file)) from error
    if builder.expanded_size > MAX_EXPANDED_NODES:
        message = f"aliases expand to {builder.expanded_size} values, more than GitLab would take"
        raise _invalid("yaml-size", message, Position(file=file))
    return documents


class _Builder:
    """Builds values from nodes, each node once."""

    def __init__(self, file: str, loader: yaml.CSafeLoader) -> None:
        self.file = file
        self.loader = loader
        self.expanded_size = 0
        self._built: dict[int, tuple[yaml.Node, Value, int]] = {}

    def build(self, node: yaml.Node) -> Value:
        value, size = self._build(node)
        self.expanded_size += size
        return value

    def _build(self, node: yaml.Node) -> tuple[Value, int]:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), 1
        known = self._built.get(id(node))
        if known is not None:
            if known[2] < 0:
                raise _invalid("yaml-alias", "an alias refers to itself", _position(self.file, node))
            return known[1], known[2]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        assert isinstance(node, yaml.SequenceNode)
        return self._sequence(node)

    def _mapping(self, node: yaml.MappingNode) -> tuple[Value, int]:
        if node.tag != "tag:yaml.org,2002:map":
            raise _invalid("yaml-tag", f"unknown tag {node.tag}", _position(self.file, node))
        result = Map(self.file, node)
        self._built[id(node)] = (node, result, -1)
        size = 1
        merged: list[tuple[Any, Any]] = []
        for key_node, value_node in node.value:
            if value_node.tag == _TEXT and type(value_node) is yaml.ScalarNode:
                value, value_size = value_node.value, 1
            else:
                value, value_size = self._build(value_node)
            size += 1 + value_size
            if key_node.tag == _TEXT and type(key_node) is yaml.ScalarNode:
                result[key_node.value] = value
            elif key_node.tag == "tag:yaml.org,2002:merge":
                merged.extend(self._merged(value, key_node))
            else:
                result[self._key(key_node)] = value
        for key, value in merged:
            result.setdefault(key, value)
        self._built[id(node)] = (node, result, size)
        return result, size

    def _merged(self, value: Value, key_node: yaml.Node) -> list[tuple[Any, Any]]:
        """Return the items that a merge key brings, first mapping first (it wins over later ones)."""
        maps = list(value) if isinstance(value, List) else [value]
        if not all(isinstance(item, Map) for item in maps):
            raise _invalid("yaml-merge", "'<<' merges mappings only", _position(self.file, key_node))
        return [pair for item in maps if isinstance(item, Map) for pair in item.items()]

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _invalid("yaml-key", "a key must be text", _position(self.file, node))
        return str(node.value)

    def _sequence(self, node: yaml.SequenceNode) -> tuple[Value, int]:
        if node.tag == "!reference":
            result: List = Reference(self.file, node)
        elif node.tag == "tag:yaml.org,2002:seq":
            result = List(self.file, node)
        else:
            raise _invalid("yaml-tag", f"unknown tag {node.tag}", _position(self.file, node))
        self._built[id(node)] = (node, result, -1)
        size = 1
        for item_node in node.value:
            if item_node.tag == _TEXT and type(item_node) is yaml.ScalarNode:
                result.append(item_node.value)
                size += 1
                continue
            item, item_size = self._build(item_node)
            result.append(item)
            size += item_size
        self._built[id(node)] = (node, result, size)
        return result, size

    def _scalar(self, node: yaml.ScalarNode) -> Value:
        if node.tag == _TEXT:
            return str(node.value)
        if node.tag in _PLAIN_TAGS:
            try:
                value: Value = self.loader.construct_object(node)
            except (ValueError, yaml.YAMLError):
                return str(node.value)
            return value
        if node.tag in _TEXT_TAGS:
            return str(node.value)
        raise _invalid("yaml-tag", f"unknown tag {node.tag}", _position(self.file, node))


_TEXT = "tag:yaml.org,2002:str"
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}
_TEXT_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "value", "binary")} | {"!"}


def _position(file: str, node: yaml.Node) -> Position:
    return Position(file=file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _error_position(file: str, error: yaml.MarkedYAMLError) -> Position:
    mark = error.problem_mark or error.context_mark
    return Position(file=file) if mark is None else Position(file=file, line=mark.line + 1, column=mark.column + 1)


def _problem(error: yaml.MarkedYAMLError) -> str:
    return ": ".join(part for part in (error.context, error.problem) if part) or "not YAML"


def _invalid(rule: str, message: str, position: Position) -> InvalidInput:
    return InvalidInput([Finding(rule=rule, message=message, position=position)])
