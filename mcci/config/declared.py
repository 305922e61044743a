"""The declarations of a section, as values: what the reader, the schema and the reference page are led by."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from mcci.config.keys import Duration, Key, Version


class Kind(Enum):
    """What a key holds: one value, a list or a mapping of values, a section with keys of its own, or anything."""

    SCALAR = "scalar"
    LIST = "list"
    MAPPING = "mapping"
    SECTION = "section"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Shape:
    """A key's type: `type` is the scalar's or the section's class, `item` the shape of a list's or mapping's items."""

    kind: Kind
    type: Any = None
    item: Shape | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """One key of a section: its name, its shape, its declaration, its default, and whether it must be given."""

    name: str
    shape: Shape
    key: Key
    default: Any
    required: bool


@cache
def declarations(section: type) -> Mapping[str, Declared]:
    """Return the keys that the dataclass `section` declares, in order."""
    hints = get_type_hints(section)
    return {item.name: _declared(item, hints[item.name]) for item in fields(section) if "key" in item.metadata}


@cache
def is_named(section: type) -> bool:
    """Return whether `section` takes its name from the key that it stands under."""
    return any(item.name == "name" for item in fields(section))


def _declared(item: Any, hint: Any) -> Declared:
    required = item.default is MISSING and item.default_factory is MISSING
    default = None if required else item.default_factory() if item.default is MISSING else item.default
    return Declared(item.name, _shape(hint), item.metadata["key"], default, required)


def _shape(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        shape = _shape(next(each for each in arguments if each is not type(None)))
        return Shape(shape.kind, shape.type, shape.item, optional=True)
    if origin is tuple:
        return Shape(Kind.LIST, item=_shape(arguments[0]))
    if origin is Mapping:
        return Shape(Kind.FREE) if arguments[1] is object else Shape(Kind.MAPPING, item=_shape(arguments[1]))
    if is_dataclass(hint) and hint is not Version:
        return Shape(Kind.SECTION, hint)
    assert hint in (str, int, float, bool, Duration, Version) or issubclass(hint, Enum), hint
    return Shape(Kind.SCALAR, hint)
