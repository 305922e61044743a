"""What is wrong with a field, as the causes of a Status say it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Object = dict[str, Any]
Finding = tuple[str, str, str]  # reason, field, message

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
NAMED_BY = {
    LABEL: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    "end with an alphanumeric character",
    LABEL_1035: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character",
    SUBDOMAIN: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character",
}


def invalid(field: str, value: Any, why: str) -> Finding:
    """The value cannot be."""
    return "FieldValueInvalid", field, f"Invalid value: {_json(value)}: {why}"


def required(field: str, why: str = "") -> Finding:
    """There must be a value."""
    return "FieldValueRequired", field, f"Required value: {why}" if why else "Required value"


def forbidden(field: str, why: str) -> Finding:
    """There must be none, or none that changes."""
    return "FieldValueForbidden", field, f"Forbidden: {why}"


def duplicate(field: str, value: Any) -> Finding:
    """The value is there already."""
    return "FieldValueDuplicate", field, f"Duplicate value: {_json(value)}"


def not_found(field: str, value: Any) -> Finding:
    """What the value names is not there."""
    return "FieldValueNotFound", field, f"Not found: {_json(value)}"


def name(field: str, value: str, pattern: re.Pattern[str], longest: int = 63) -> Iterator[Finding]:
    """Check a name that is there."""
    if not pattern.fullmatch(value):
        yield invalid(field, value, f"{NAMED_BY[pattern]} (regex used for validation is '{pattern.pattern}')")
    if len(value) > longest:
        yield invalid(field, value, f"must be no more than {longest} characters")


def one_of(field: str, value: Any, known: Collection[str]) -> Iterator[Finding]:
    """Check a value of an enumeration; none is fine."""
    if value is not None and value not in known:
        values = ", ".join(map(_json, sorted(known)))
        yield "FieldValueNotSupported", field, f"Unsupported value: {_json(value)}: supported values: {values}"


def at_least(field: str, value: Any, least: int) -> Iterator[Finding]:
    """Check a number; none is fine."""
    if value is not None and value < least:
        why = "must be greater than or equal to 0" if least == 0 else "must be greater than 0"
        yield invalid(field, value, why)


def port(field: str, value: Any) -> Iterator[Finding]:
    """Check a port's number, or its name."""
    if isinstance(value, str):
        if not PORT_NAME.fullmatch(value):
            yield invalid(
                field, value, "must be at most 15 lower case letters, digits and single hyphens, with a letter"
            )
    elif not isinstance(value, int) or not 0 < value < 65536:
        yield invalid(field, value, "must be between 1 and 65535, inclusive")


def fixed(body: Object, current: Object | None, *names: str) -> Iterator[Finding]:
    """Check that fields of the spec are as they were."""
    if current is not None:
        for item in names:
            if body["spec"].get(item) != current["spec"].get(item):
                yield invalid(f"spec.{item}", body["spec"].get(item), "field is immutable")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
