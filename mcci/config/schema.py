"""The JSON Schema of `mcci.yml` (draft 2020-12), derived from the declarations, for editors and other checkers.

It says what JSON Schema can: keys, types, forms, limits. The rules that look across keys are mcci's alone.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from mcci.config.declared import Declared, Kind, Shape, declarations
from mcci.config.keys import Duration, Form, Key, Version
from mcci.config.model import Config, Service

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FREE_KEYS_OF = {"Service": Service}

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the schema as plain values, in a stable order."""
    sections: dict[str, Schema] = {}
    root = _section(Config, sections)
    return {"$schema": DIALECT, "title": "mcci.yml", **root, "$defs": dict(sorted(sections.items()))}


def text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def default_of(declared: Declared) -> Any:
    """Return a key's default as plain values; None when it has none that could be written down."""
    if declared.required or declared.shape.kind is Kind.SECTION:
        return None
    value = _plain(declared.default)
    return None if value in ("", [], {}) else value


def _section(section: type, sections: dict[str, Schema]) -> Schema:
    keys = declarations(section)
    result: Schema = {"description": (section.__doc__ or "").strip(), "type": ["object", "null"]}
    required = [name for name, declared in keys.items() if declared.required]
    if required:
        result |= {"type": "object", "required": required}
    result["properties"] = {name: _key(declared, sections) for name, declared in keys.items()}
    result["additionalProperties"] = False
    return result


def _key(declared: Declared, sections: dict[str, Schema]) -> Schema:
    result: Schema = {"description": declared.key.doc}
    default = default_of(declared)
    if default is not None:
        result["default"] = default
    if declared.key.examples:
        result["examples"] = list(declared.key.examples)
    return result | _shape(declared.shape, declared.key, sections)


def _shape(shape: Shape, key: Key, sections: dict[str, Schema]) -> Schema:
    match shape.kind:
        case Kind.SCALAR:
            result = _scalar(shape.type, key)
        case Kind.SECTION:
            result = _reference(shape.type, sections)
            if key.shorthand:
                result = {"oneOf": [{"enum": [*key.shorthand, True, False]}, result]}
        case Kind.LIST:
            assert shape.item is not None
            result = {"type": "array", "items": _shape(shape.item, key, sections)}
            if key.unique:
                result["uniqueItems"] = True
        case Kind.MAPPING:
            assert shape.item is not None
            result = {"type": ["object", "null"], "additionalProperties": _shape(shape.item, key, sections)}
            if key.key_form:
                result["propertyNames"] = _form(key.key_form)
        case Kind.FREE:
            free = {"type": ["object", "null"]}
            result = _reference(_FREE_KEYS_OF[key.keys_of], sections) if key.keys_of else free
    takes_null = shape.kind is Kind.SECTION and "null" in sections[shape.type.__name__]["type"]
    if not shape.optional or takes_null:
        return result
    return {"anyOf": [result, {"type": "null"}]}


def _reference(section: type, sections: dict[str, Schema]) -> Schema:
    name = section.__name__
    if name not in sections:
        sections[name] = {}  # so that a section within itself would not be followed for ever
        sections[name] = _section(section, sections)
    return {"$ref": f"#/$defs/{name}"}


def _scalar(kind: Any, key: Key) -> Schema:
    if kind is str:
        return _text(key)
    if kind is Duration:
        return {"type": "string", "pattern": Duration.PATTERN}
    if kind is Version:
        return {"type": ["string", "number"], "pattern": Version.PATTERN}
    if kind is bool:
        return {"type": "boolean"}
    if issubclass(kind, Enum):
        return {"enum": [choice.value for choice in kind]}
    limits = {"minimum": key.minimum, "maximum": key.maximum}
    number = {"type": "integer" if kind is int else "number"}
    return number | {name: limit for name, limit in limits.items() if limit is not None}


def _text(key: Key) -> Schema:
    if key.form is None:
        return {"type": ["string", "number"]}
    form = _form(key.form)
    if key.empty:
        form["pattern"] = f"^$|{form['pattern']}"
    return {"type": "string", **form}


def _form(form: Form) -> Schema:
    length = {} if form.max_length is None else {"maxLength": form.max_length}
    return {"pattern": form.regex, **length}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Duration | Version):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
