"""One scalar of `mcci.yml` to one value: its type, its form, its limits. A mistake is returned as words."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, Any

from mcci.config.keys import Duration, Form, Key, Version
from mcci.config.read import kind_of, scalar, shown, tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ruamel.yaml.nodes import Node

_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Duration: "a time span such as 90s, 10m or 2h",
    Version: "a version such as 18.2",
}


class Wrong(Exception):
    """What is wrong with a scalar: the rule that it breaks, the message, and what to do."""

    def __init__(self, rule: str, message: str, help_: str = "") -> None:
        super().__init__(message)
        self.rule, self.message, self.help = rule, message, help_


def parse(kind: type, node: Node, key: Key, name: str) -> Any:
    """Return the value of type `kind` that the scalar `node` writes; `name` is the key's name in messages.

    Raises `Wrong`.
    """
    text = str(node.value)
    if issubclass(kind, Enum):
        return _choice(kind, text, name)
    if kind is Duration or kind is Version:
        return _parsed(kind, node, key, name)
    value = scalar(node)
    if kind is str:
        return _text(value, node, key, name)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        value = float(value)
    if kind is not bool and isinstance(value, kind) and not isinstance(value, bool):
        assert isinstance(value, int | float)
        _check_limits(value, key, name, text)
        return value
    raise wrong_type(kind, node, name)


def wrong_type(kind: type | str, node: Node, name: str) -> Wrong:
    """Return what to say when `node` is not a `kind`: a scalar's type, or words for another."""
    wanted = kind if isinstance(kind, str) else _WORDS.get(kind) or f"one of {', '.join(_choices(kind))}"
    quoted = kind in (bool, int, float) and getattr(node, "style", None) in ("'", '"')
    help_ = "Write it without quotes." if quoted else ""
    return Wrong("config-type", f"'{name}' must be {wanted}, not {kind_of(node)}.", help_)


def check_form(text: str, form: Form) -> str:
    """Return what `text` should look like instead of how it does; empty when it is right."""
    long = form.max_length is not None and len(text) > form.max_length
    return form.rule if long or not re.fullmatch(form.regex, text) else ""


def advice(text: str, choices: Iterable[str], otherwise: str = "") -> str:
    """Return "Did you mean …?" when one of `choices` is near to `text`."""
    near = get_close_matches(text[:100], list(choices), n=1)
    return f"Did you mean '{near[0]}'?" if near else otherwise


def _choice(kind: type[Enum], text: str, name: str) -> Enum:
    choices = _choices(kind)
    if text in choices:
        return kind(text)
    help_ = advice(text, choices, f"It is one of {', '.join(choices)}.")
    raise Wrong("config-choice", f"'{shown(text)}' is no '{name}'.", help_)


def _parsed(kind: type[Duration | Version], node: Node, key: Key, name: str) -> Duration | Version:
    try:
        value = kind.parse(str(node.value))
    except ValueError as error:
        raise wrong_type(kind, node, name) from error
    if isinstance(value, Duration):
        _check_limits(value, key, name, str(node.value))
    return value


def _text(value: object, node: Node, key: Key, name: str) -> str:
    text = str(node.value)
    if value is None or isinstance(value, bool) or (key.form and tag(node) in ("int", "float")):
        wrong = wrong_type(str, node, name)
        raise Wrong(wrong.rule, wrong.message, "" if value is None else "Put it in quotes to make it text.")
    if not text and key.empty:
        return text
    expected = check_form(text, key.form) if key.form else ""
    if expected:
        raise Wrong("config-value", f"'{shown(text)}' is not valid for '{name}': use {expected}.")
    if any(character < " " and character not in "\n\t" for character in text):
        raise Wrong("config-value", f"'{name}' holds a control character.")
    return _tidied(text) if key.form and key.form.path else text


def _tidied(path: str) -> str:
    return re.sub(r"(?<![^/])(?:\./)+(?=.)", "", re.sub(r"/{2,}", "/", path))


def _check_limits(value: float, key: Key, name: str, text: str) -> None:
    low, high = key.minimum, key.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return
    limits = [_limit(each, value) for each in (low, high)]
    if low is not None and low == high:
        span = limits[0]
    elif high is None:
        span = f"at least {limits[0]}"
    else:
        span = f"from {limits[0]} to {limits[1]}"
    raise Wrong("config-value", f"'{name}' must be {span}, not {shown(text)}.")


def _limit(limit: int | None, value: float) -> str:
    return str(Duration(limit or 0)) if isinstance(value, Duration) else str(limit)


def _choices(kind: Any) -> list[str]:
    return [str(choice.value) for choice in kind]
