"""YAML nodes to the model's dataclasses, led by their declarations; every mistake becomes a finding."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mcci.config.declared import Declared, Kind, Shape, declarations, is_named
from mcci.config.keys import Key, Marks
from mcci.config.read import at, kind_of, pairs, plain, scalar, shown, tag
from mcci.config.scalars import Wrong, advice, check_form, parse, wrong_type
from mcci.errors import InvalidInput
from mcci.findings import Finding, Position

if TYPE_CHECKING:
    from mcci.config.keys import Form

MAX_FINDINGS = 100
_FAILED = object()


class Builder:
    """Builds values and collects what is wrong, so that the user sees every mistake at once."""

    def __init__(self, file: str, sections: Mapping[str, type]) -> None:
        """`sections` gives the classes that free-form mappings may take their keys from (`Key.keys_of`)."""
        self.file = file
        self.sections = sections
        self.findings: dict[Finding, None] = {}
        self._built: dict[tuple[int, int], Any] = {}

    def build(self, section: type, node: Node, *, name: str = "", partial: bool = False) -> Any:
        """Return `section` built from `node`; None when that failed, and when `partial`.

        `name` fills the field of that name; `partial` only looks at the keys that are there. Raises `InvalidInput` when
        there are more mistakes than anybody wants to read.
        """
        value = self._section(section, node, name, partial)
        return None if value is _FAILED or partial else value

    def find(self, rule: str, message: str, position: Position, help_: str = "") -> object:
        """Add a finding, once, and return the mark of a value that could not be built."""
        self.findings[Finding(rule=rule, message=message, position=position, help=help_)] = None
        if len(self.findings) >= MAX_FINDINGS:
            raise InvalidInput(list(self.findings))
        return _FAILED

    def _section(self, section: type, node: Node, name: str, partial: bool) -> Any:
        declared = declarations(section)
        if isinstance(node, MappingNode):
            items = self._pairs(node)
        elif tag(node) == "null":
            items = {}
        else:
            keys = ", ".join(list(declared)[:4])
            message = f"a mapping is wanted here (with keys such as {keys}), not {kind_of(node)}."
            return self.find("config-type", message, at(node, self.file))
        values: dict[str, Any] = {"name": name} if name and is_named(section) else {}
        for text, (key_node, value_node) in items.items():
            known = declared.get(text)
            if known is None:
                self._unknown(text, key_node, declared)
                continue
            value = self._value(known.shape, value_node, known.key, text)
            if value is not _FAILED:
                values[text] = value
        missing = [each for each in declared.values() if each.required and each.name not in values]
        for each in missing if not partial else ():
            if each.name not in items:
                message = f"the key '{each.name}' is missing: {each.key.doc[0].lower()}{each.key.doc[1:]}"
                self.find("config-missing-key", message, at(node, self.file))
        return _FAILED if missing or partial else section(**values, marks=self._marks(node, items))

    def _marks(self, node: Node, items: Mapping[str, tuple[Node, Node]]) -> Marks:
        keys: dict[str, Position] = {}
        inner: dict[str, dict[object, Position]] = {}
        for text, (key_node, value_node) in items.items():
            keys[text] = at(key_node, self.file)
            if isinstance(value_node, SequenceNode):
                inner[text] = {number: at(item, self.file) for number, item in enumerate(_leaves(value_node))}
            elif isinstance(value_node, MappingNode):
                inner[text] = {
                    item.value: at(item, self.file) for item, _ in value_node.value if isinstance(item, ScalarNode)
                }
        return Marks(at(node, self.file), keys, inner)

    def _value(self, shape: Shape, node: Node, key: Key, name: str) -> Any:
        if isinstance(node, ScalarNode):
            return None if shape.optional and tag(node) == "null" else self._fresh(shape, node, key, name)
        known = (id(node), id(shape))  # nodes that are inherited or aliased are built once
        if known not in self._built:
            self._built[known] = self._fresh(shape, node, key, name)
        return self._built[known]

    def _fresh(self, shape: Shape, node: Node, key: Key, name: str) -> Any:
        try:
            match shape.kind:
                case Kind.SCALAR if isinstance(node, ScalarNode):
                    return parse(shape.type, node, key, name)
                case Kind.SCALAR:
                    raise wrong_type(shape.type, node, name)
                case Kind.SECTION:
                    return self._switch(shape, node, key, name) or self._section(shape.type, node, "", False)
                case Kind.LIST:
                    return self._list(shape, node, key, name)
                case _:
                    return self._mapping(shape, node, key, name)
        except Wrong as wrong:
            return self.find(wrong.rule, wrong.message, at(node, self.file), wrong.help)

    def _switch(self, shape: Shape, node: Node, key: Key, name: str) -> Any:
        """Return the section that a word such as `off`, also written `false`, is short for; None without such words."""
        if not key.shorthand or not isinstance(node, ScalarNode) or tag(node) == "null":
            return None
        value = scalar(node)
        word = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
        if word not in key.shorthand:
            keys = ", ".join(list(declarations(shape.type))[:4])
            raise wrong_type(f"{', '.join(key.shorthand)} or a mapping (with keys such as {keys})", node, name)
        return shape.type(**key.shorthand[word], marks=Marks(at(node, self.file), {}))

    def _list(self, shape: Shape, node: Node, key: Key, name: str) -> Any:
        if not isinstance(node, SequenceNode):
            raise wrong_type("a list", node, name)
        assert shape.item is not None
        items = [self._value(shape.item, item, key, name) for item in node.value]
        if any(item is _FAILED for item in items):
            return _FAILED
        if key.unique:
            self._unique(items, node, name)
        return tuple(items)

    def _unique(self, items: Iterable[Hashable], node: SequenceNode, name: str) -> None:
        seen: set[Hashable] = set()
        for item, item_node in zip(items, node.value, strict=True):
            if item in seen:
                message = f"'{shown(str(getattr(item, 'value', item)))}' is in '{name}' a second time."
                self.find("config-duplicate-item", message, at(item_node, self.file), "Keep one of the two.")
            seen.add(item)

    def _mapping(self, shape: Shape, node: Node, key: Key, name: str) -> Any:
        if tag(node) == "null":
            return {}
        if not isinstance(node, MappingNode):
            raise wrong_type("a mapping", node, name)
        if shape.kind is Kind.FREE:
            if key.keys_of:
                self._section(self.sections[key.keys_of], node, "", True)
            return self._free(node)
        result: dict[str, Any] = {}
        for text, (key_node, value_node) in self._pairs(node).items():
            if key.key_form and not self._named(text, key_node, key.key_form, name):
                continue
            value = self._item(shape.item, text, value_node, key)
            if value is not _FAILED:
                result[text] = value
        return result

    def _item(self, shape: Shape | None, text: str, node: Node, key: Key) -> Any:
        assert shape is not None
        if shape.kind is Kind.SECTION:
            return self._section(shape.type, node, text, False)
        return self._value(shape, node, key, text)

    def _free(self, node: MappingNode) -> object:
        value, found = plain(node, self.file)
        for each in found:
            self.find(each.rule, each.message, each.position, each.help)
        return value

    def _named(self, text: str, node: Node, form: Form, name: str) -> bool:
        expected = check_form(text, form)
        if expected:
            message = f"'{shown(text)}' is not a valid name in '{name}': use {expected}."
            self.find("config-name", message, at(node, self.file))
        return not expected

    def _unknown(self, text: str, node: Node, declared: Mapping[str, Declared]) -> None:
        help_ = advice(text, declared, f"The keys here are {', '.join(declared)}.")
        self.find("config-unknown-key", f"there is no key '{shown(text)}' here.", at(node, self.file), help_)

    def _pairs(self, node: MappingNode) -> dict[str, tuple[Node, Node]]:
        items, found = pairs(node, self.file)
        for each in found:
            self.find(each.rule, each.message, each.position, each.help)
        return items


def _leaves(node: SequenceNode) -> Iterable[Node]:
    for item in node.value:
        if isinstance(item, SequenceNode):
            yield from _leaves(item)
        else:
            yield item
