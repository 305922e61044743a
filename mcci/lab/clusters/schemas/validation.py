"""Whether an object is of its kind's shape: unknown fields, types, required fields. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcci.lab.clusters.schemas.schema import Schema

Object = dict[str, Any]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
# What Go's decoders take; a MicroTime needs its six digits.
FORMATS = {
    "byte": re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "micro-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)"),
    "quantity": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?"),
}
NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value of the wrong type or shape, or a field that is missing."""

    field: str
    reason: str  # FieldValueTypeInvalid, FieldValueRequired, FieldValueInvalid, FieldValueNotSupported
    message: str
    wanted: str = ""
    given: str = ""

    @property
    def cause(self) -> Object:
        """As in a Status."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


@dataclass(slots=True)
class Report:
    """What is wrong with an object. Unknown fields may be forgiven; the rest is not."""

    unknown: list[str] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    keep_empty: bool = False


def check(body: Any, schema: Schema, *, keep_empty: bool = False) -> tuple[Any, Report]:
    """Return the object without nulls and fields that its schema does not know, and what is wrong with it.

    Empty maps and lists go too (in Go's types, which built-in kinds are, they are as good as none), unless kept.
    """
    report = Report(keep_empty=keep_empty)
    return _node(body, schema, "", report), report


def _node(value: Any, schema: Schema, path: str, report: Report) -> Any:
    if not _is_of_type(value, schema):
        given = NAMES[type(value)]
        message = f'Invalid value: "{given}": {path} in body must be of type {schema.type}: "{given}"'
        report.wrong.append(Wrong(path, "FieldValueTypeInvalid", message, schema.type, given))
        return value
    if isinstance(value, dict):
        return _object(value, schema, path, report)
    if isinstance(value, list):
        items = enumerate(value)
        return [_node(item, schema.items, f"{path}[{index}]", report) for index, item in items if item is not None]
    _scalar(value, schema, path, report)
    return value


def _object(value: Object, schema: Schema, path: str, report: Report) -> Object:
    kept: Object = {}
    for key, item in value.items():
        below = f"{path}.{key}" if path else key
        if not schema.knows(key):
            report.unknown.append(below)
        elif item is not None and (
            report.keep_empty or key in schema.required or not _is_nothing(item, schema.field(key))
        ):
            kept[key] = _node(item, schema.field(key), below, report)
    for key in schema.required:
        if key not in kept:
            below = f"{path}.{key}" if path else key
            report.wrong.append(Wrong(below, "FieldValueRequired", "Required value"))
    return kept


def _is_nothing(value: Any, schema: Schema) -> bool:
    """Whether it is an empty list, or an empty map with free keys; an empty structure says something."""
    return value == [] or (value == {} and "additionalProperties" in schema.node)


def _scalar(value: Any, schema: Schema, path: str, report: Report) -> None:
    node = schema.node
    form = FORMATS.get(node.get("format", ""))
    if form and isinstance(value, (str, int, float)) and not form.fullmatch(str(value)):
        message = f'Invalid value: "{value}": {path} in body must be of format {node["format"]}'
        report.wrong.append(Wrong(path, "FieldValueTypeInvalid", message, node["format"], f'"{value}"'))
    if "enum" in node and value not in node["enum"]:
        values = ", ".join(f'"{item}"' for item in node["enum"])
        message = f'Unsupported value: "{value}": supported values: {values}'
        report.wrong.append(Wrong(path, "FieldValueNotSupported", message))
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if "minimum" in node and value < node["minimum"]:
        _out_of_bounds(value, path, f"greater than or equal to {node['minimum']}", report)
    if "maximum" in node and value > node["maximum"]:
        _out_of_bounds(value, path, f"less than or equal to {node['maximum']}", report)


def _out_of_bounds(value: float, path: str, wanted: str, report: Report) -> None:
    message = f"Invalid value: {value}: {path} in body should be {wanted}"
    report.wrong.append(Wrong(path, "FieldValueInvalid", message))


def _is_of_type(value: Any, schema: Schema) -> bool:
    if value is None:
        return True
    if schema.int_or_string:
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if schema.type in ("integer", "number") and isinstance(value, bool):
        return False
    if schema.type == "integer" and isinstance(value, float):
        return value.is_integer()
    return not schema.type or isinstance(value, TYPES[schema.type])
