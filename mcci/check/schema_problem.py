"""A JSON Schema error said as a person would say it: which place, and what it must be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from jsonschema.exceptions import ValidationError

from mcci.check.open_values import is_open
from mcci.check.words import did_you_mean, listing, one_of

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}
_PATTERNS = {
    r"\.ya?ml$": "must end with .yml or .yaml",
    r"\w\.ya?ml$": "must end with .yml or .yaml",
    r"(?:\S/\S|\$\S+)": "must be the full path of a project, such as group/project",
    r"^/.+/$": "must be a regular expression between slashes, such as /(\\d+)%/",
    r"^(https?://.+|\$[A-Za-z]+)": "must start with http:// or https://",
    r"^[^/]*[^./][^/]*$": "must hold no slash, and more than dots",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong at `path` (keys and indices from the keyword's value); `at_key`: the key there, not its value."""

    path: tuple[str | int, ...]
    message: str
    at_key: bool = False
    missing: bool = False


def problems(errors: Iterable[ValidationError]) -> tuple[Problem, ...]:
    """Return what the errors of one value say, each thing once: a misspelt key is not also a missing one."""
    every = list(errors)
    unknown_at = {tuple(error.absolute_path) for error in every if error.validator == "additionalProperties"}
    found: dict[Problem, None] = {}
    for error in every:
        if error.validator != "required" or tuple(error.absolute_path) not in unknown_at:
            found.update(dict.fromkeys(_problems(error)))
    return tuple(found)


def _problems(error: ValidationError) -> tuple[Problem, ...]:
    path = tuple(error.absolute_path)
    match error.validator:
        case "oneOf" | "anyOf":
            return _of_branches(error, path)
        case "type" | "enum" | "const":
            return (Problem(path=path, message=_choices(_expected(error) or [], error.instance)),)
        case "additionalProperties":
            return _unknown_keys(error, path)
        case "required":
            required: Any = error.validator_value
            instance: Any = error.instance
            missing = [f"'{name}'" for name in required if name not in instance]
            return (Problem(path=path, message=f"lacks {listing(missing)}", missing=True),)
        case _:
            return (Problem(path=path, message=_plain(error)),)


def _plain(error: ValidationError) -> str:
    limit: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "pattern":
            return _PATTERNS.get(str(limit), f"must match {limit}")
        case "minLength" | "minItems":
            return "must not be empty"
        case "maxItems" | "maxProperties":
            return f"holds {len(instance)} items; {limit} is the most"
        case "maxLength":
            return f"is {len(instance)} characters long; {limit} is the most"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "uniqueItems":
            return "names the same item twice"
        case "not":
            return "combines keys that exclude each other"
        case _:
            return f"is not valid: {error.message}"


def _unknown_keys(error: ValidationError, path: tuple[str | int, ...]) -> tuple[Problem, ...]:
    schema: Any = error.schema
    allowed = list(schema.get("properties", ()))
    patterns = list(schema.get("patternProperties", ()))
    found = []
    for key in cast("dict[str, Any]", error.instance):
        if key not in allowed and not is_open(key) and not any(re.search(pattern, key) for pattern in patterns):
            choice = f"; it may be {one_of(allowed, most=12)}" if allowed else f"; a name must match {patterns[0]}"
            advice = did_you_mean(key, allowed) or choice
            found.append(Problem(path=(*path, key), message=f"is an unknown key{advice}", at_key=True))
    return tuple(found)


def _of_branches(error: ValidationError, path: tuple[str | int, ...]) -> tuple[Problem, ...]:
    """Speak of the branch the author most likely meant; with none near, of all that would have been right."""
    context = list(error.context or ())
    if not context:
        return (Problem(path=path, message="mixes forms that exclude each other"),)
    expected = _expected(error)
    if expected is not None:
        return (Problem(path=path, message=_choices(expected, error.instance)),)
    branches: dict[Any, list[ValidationError]] = defaultdict(list)
    for child in context:
        branches[child.schema_path[0]].append(child)
    near = [errors for errors in branches.values() if not any(_wrong_kind(child) for child in errors)]
    meant: list[ValidationError] = min(near, key=lambda errors: (_at_root(errors), len(errors)))
    return problems(meant)


def _at_root(errors: list[ValidationError]) -> int:
    return sum(not error.path for error in errors)


def _wrong_kind(error: ValidationError) -> bool:
    """Say whether the branch is not even about this kind of value."""
    return not error.path and _expected(error) is not None


def _expected(error: ValidationError) -> list[str] | None:
    """Return the types and values that would be right, if `error` is only about them; else None."""
    value: Any = error.validator_value
    context = list(error.context or ())
    match error.validator:
        case "type":
            return [_TYPES.get(name, name) for name in ([value] if isinstance(value, str) else value)]
        case "enum":
            return [_shown(item) for item in value]
        case "const":
            return [_shown(value)]
        case "oneOf" | "anyOf" if context:
            branches: dict[Any, list[str]] = {}
            for child in context:
                expected = None if child.path else _expected(child)
                if expected is not None:
                    branches.setdefault(child.schema_path[0], []).extend(expected)
            if len(branches) < len({child.schema_path[0] for child in context}):
                return None
            return list(dict.fromkeys(item for items in branches.values() for item in items))
        case _:
            return None


def _choices(expected: list[str], instance: object) -> str:
    near = did_you_mean(instance, expected) if isinstance(instance, str) else ""
    if near and len(expected) > 8:
        return f"is '{instance}', which is no known value{near}"
    return f"must be {one_of(expected)}{near or _but(instance)}"


def _but(instance: object) -> str:
    if isinstance(instance, dict):
        return ", not a mapping"
    if isinstance(instance, list):
        return ", not a list"
    if instance is None:
        return ", not empty"
    return f", not {_shown(instance)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
