"""YAML nodes to the model's dataclasses, led by the declarations in `model.py`; every mistake becomes a finding."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, Union, get_args, get_origin, get_type_hints

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mcci.config.keys import Duration, Key, Marks, Version
from mcci.config.read import at, pairs, plain, scalar, tag
from mcci.findings import Finding, Position

_FAILED = object()


@dataclass(frozen=True, slots=True)
class Declared:
    """One key of a dataclass: its name, its type, its declaration and whether it may be left out."""

    name: str
    type: Any
    key: Key
    required: bool


@cache
def declarations(cls: type) -> dict[str, Declared]:
    """Return the keys that the dataclass `cls` declares, in order."""
    module = vars(import_module(cls.__module__))
    hints = get_type_hints(cls, {**module, "Mapping": Mapping})
    return {
        item.name: Declared(
            item.name,
            hints[item.name],
            item.metadata["key"],
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(cls)
        if "key" in item.metadata
    }


class Builder:
    """Builds values and collects what is wrong, so that the user sees every mistake at once."""

    def __init__(self, file: str, bases: Mapping[str, MappingNode] | None = None) -> None:
        """`bases` gives, for a key that maps names to items, the mapping whose keys each item has unless it says so."""
        self.file = file
        self.bases = bases or {}
        self.findings: list[Finding] = []

    def build(
        self, cls: type, node: Node, *, name: str = "", base: MappingNode | None = None, partial: bool = False
    ) -> Any:
        """Return `cls` built from `node`, or a falsy sentinel when that failed.

        `name` fills the field of that name; `base` is a mapping whose keys hold where `node` has none; `partial` lets
        required keys be missing.
        """
        items = self._items(node, cls)
        if items is None:
            return _FAILED
        own = set(items)
        if base is not None:
            items = {**pairs(base, self.file)[0], **items}
        declared = declarations(cls)
        values: dict[str, Any] = {"name": name} if name else {}
        for text, (key_node, value_node) in items.items():
            if text not in declared:
                if text in own:
                    self._unknown(text, key_node, declared)
                continue
            value = self._value(declared[text].type, value_node, declared[text].key, text)
            if value is not _FAILED:
                values[text] = value
        missing = [each.name for each in declared.values() if each.required and each.name not in items and not partial]
        for each in missing:
            self._find(
                "config-missing-key",
                f"the key '{each}' is missing.",
                at(node, self.file),
                _trim(declared[each].key.doc),
            )
        if missing or any(each.required and each.name not in values and not partial for each in declared.values()):
            return _FAILED
        if partial:
            return values
        values["marks"] = Marks(at(node, self.file), {text: at(pair[0], self.file) for text, pair in items.items()})
        return cls(**values)

    def _items(self, node: Node, cls: type) -> dict[str, tuple[Node, Node]] | None:
        if isinstance(node, MappingNode):
            items, found = pairs(node, self.file)
            self.findings += found
            return items
        if tag(node) == "null":
            return {}
        keys = ", ".join(list(declarations(cls))[:4])
        self._find(
            "config-type", f"a mapping is wanted here (keys: {keys}, …), not {_kind(node)}.", at(node, self.file)
        )
        return None

    def _value(self, kind: Any, node: Node, key: Key, name: str) -> Any:
        """Return what `kind` makes of `node`; `name` is what messages call it."""
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            kind = next(arg for arg in get_args(kind) if arg is not type(None))
            return None if tag(node) == "null" else self._value(kind, node, key, name)
        if origin is tuple:
            return self._list(get_args(kind)[0], node, key, name)
        if origin is Mapping:
            return self._mapping(get_args(kind)[1], node, key, name)
        if _is_section(kind):
            short = key.shorthand.get(_word(node)) if key.shorthand and isinstance(node, ScalarNode) else None
            if short is not None:
                return kind(**short, marks=Marks(at(node, self.file), {}))
            return self.build(kind, node)
        return self._scalar(kind, node, key, name)

    def _list(self, kind: Any, node: Node, key: Key, name: str) -> Any:
        if not isinstance(node, SequenceNode):
            return self._wrong(name, "a list", node)
        items = [self._value(kind, item, key, f"an item of {name}") for item in node.value]
        return _FAILED if _FAILED in items else tuple(items)

    def _mapping(self, kind: Any, node: Node, key: Key, name: str) -> Any:
        if tag(node) == "null":
            return {}
        if not isinstance(node, MappingNode):
            return self._wrong(name, "a mapping", node)
        if kind is object:
            return plain(node)
        items, found = pairs(node, self.file)
        self.findings += found
        result: dict[str, Any] = {}
        for text, (key_node, value_node) in items.items():
            if not self._key_text(text, key_node, key, name):
                continue
            if _is_section(kind):
                value = self.build(kind, value_node, name=text, base=self.bases.get(name))
            else:
                value = self._value(kind, value_node, key, text)
            if value is not _FAILED:
                result[text] = value
        return result

    def _key_text(self, text: str, node: Node, key: Key, name: str) -> bool:
        if key.key_pattern and not re.fullmatch(key.key_pattern, text):
            self._find(
                "config-name", f"'{text}' is no name for one of {name}: it wants {key.says}.", at(node, self.file)
            )
            return False
        if key.max_length and len(text) > key.max_length:
            message = f"'{text[:20]}…' is too long: at most {key.max_length} characters."
            self._find("config-name", message, at(node, self.file))
            return False
        return True

    def _scalar(self, kind: Any, node: Node, key: Key, name: str) -> Any:
        if not isinstance(node, ScalarNode):
            return self._wrong(name, _wanted(kind), node)
        text = str(node.value)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self._choice(kind, node, name)
        if kind in (Duration, Version):
            try:
                return kind.parse(text)
            except ValueError:
                return self._wrong(name, _wanted(kind), node)
        value = scalar(node)
        if kind is bool and isinstance(value, bool):
            return value
        if kind is str:
            if value is None or isinstance(value, bool):
                return self._wrong(name, "text", node)
            return self._text(text, node, key, name)
        if (
            kind in (int, float)
            and isinstance(value, int if kind is int else int | float)
            and not isinstance(value, bool)
        ):
            return self._number(kind(value), node, key, name)
        return self._wrong(name, _wanted(kind), node)

    def _choice(self, kind: type[Enum], node: Node, name: str) -> Any:
        text, choices = str(node.value), [str(choice.value) for choice in kind]
        if text in choices:
            return kind(text)
        advice = _near(text, choices) or f"One of {', '.join(choices)}."
        return self._find("config-choice", f"'{text}' is no {name}.", at(node, self.file), advice)

    def _text(self, text: str, node: Node, key: Key, name: str) -> Any:
        if key.pattern and not key.key_pattern and not re.fullmatch(key.pattern, text):
            return self._find("config-value", f"'{text}' cannot be {name}: it wants {key.says}.", at(node, self.file))
        if key.max_length and not key.key_pattern and len(text) > key.max_length:
            message = f"{name} is too long: at most {key.max_length} characters."
            return self._find("config-value", message, at(node, self.file))
        if any(ord(character) < 32 and character not in "\n\t" for character in text):
            return self._find("config-value", f"{name} holds a control character.", at(node, self.file))
        return text

    def _number(self, value: float, node: Node, key: Key, name: str) -> Any:
        low, high = key.minimum, key.maximum
        if value != value or (low is not None and value < low) or (high is not None and value > high):
            span = f"from {low} to {high}" if high is not None else f"of at least {low}"
            return self._find("config-value", f"{name} must be a number {span}, not {node.value}.", at(node, self.file))
        return value

    def _unknown(self, text: str, node: Node, declared: Mapping[str, Declared]) -> None:
        advice = _near(text, list(declared)) or f"The keys here are {', '.join(declared)}."
        self._find("config-unknown-key", f"there is no key '{text}' here.", at(node, self.file), advice)

    def _wrong(self, name: str, wanted: str, node: Node) -> Any:
        return self._find("config-type", f"{name} must be {wanted}, not {_kind(node)}.", at(node, self.file))

    def _find(self, rule: str, message: str, position: Position, help_: str = "") -> object:
        self.findings.append(Finding(rule=rule, message=message, position=position, help=help_))
        return _FAILED


def _is_section(kind: Any) -> bool:
    return is_dataclass(kind) and kind is not Version


def _near(text: str, choices: list[str]) -> str:
    near = get_close_matches(text, choices, n=1)
    return f"Did you mean '{near[0]}'?" if near else ""


def _word(node: Node) -> str:
    """Return a switch's text: `off`, also written `false`, and `on`, also written `true`."""
    return {"false": "off", "true": "on"}.get(str(node.value).lower(), str(node.value))


def _wanted(kind: Any) -> str:
    known = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        Duration: "a time span such as 90s, 10m or 2h",
        Version: "a version such as 18.2",
    }
    return known.get(
        kind, f"one of {', '.join(str(choice.value) for choice in kind)}" if issubclass(kind, Enum) else "a value"
    )


def _kind(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return {"null": "nothing", "bool": "true or false"}.get(tag(node), f"'{str(node.value)[:60]}'")


def _trim(doc: str) -> str:
    return doc.split(": ")[0].rstrip(".") + "."
