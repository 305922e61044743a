"""Paths against patterns, as Ruby's `File.fnmatch` with PATHNAME, DOTMATCH and EXTGLOB does: GitLab's own choice.

A pattern becomes one regular expression, run by RE2 so that no pattern takes more than linear time.
https://docs.ruby-lang.org/en/3.2/File.html#method-c-fnmatch
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from mcci.pipeline.expressions.patterns import compile_regex

MAX_ALTERNATIVES = 1_000


def matches(pattern: str, path: str) -> bool:
    """Return whether `path` is one that `pattern` names."""
    if not any(character in pattern for character in "*?[{\\"):
        return pattern == path
    compiled = _compiled(pattern)
    return compiled is not None and compiled.fullmatch(path) is not None


def matches_wildcard(pattern: str, text: str) -> bool:
    """Return whether `text` is what a name with `*` means, as protected refs and environment scopes are written.

    Such a star stands for any characters, `/` among them.
    """
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    if not text.startswith(first):
        return False
    at = len(first)
    for part in others[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.endswith(others[-1]) and len(text) - len(others[-1]) >= at


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    return compile_regex("|".join(f"(?:{_translate(one)})" for one in expand_braces(pattern)))


def expand_braces(pattern: str) -> list[str]:
    """Return the patterns that `{a,b}` stands for (nested ones too), in order; at most `MAX_ALTERNATIVES` of them."""
    expanded: list[str] = []
    for one in _braces(pattern, 0):
        expanded.append(one)
        if len(expanded) == MAX_ALTERNATIVES:
            break
    return expanded


def _braces(pattern: str, depth: int) -> Iterator[str]:
    span = _brace_span(pattern)
    if span is None or depth > 50:
        yield pattern
        return
    start, commas, end = span
    bounds = [start, *commas, end]
    for left, right in pairwise(bounds):
        yield from _braces(pattern[:start] + pattern[left + 1 : right] + pattern[end + 1 :], depth + 1)


def _brace_span(pattern: str) -> tuple[int, list[int], int] | None:
    """Return the first balanced brace group: where it opens, its own commas, where it closes."""
    depth, start, at = 0, -1, 0
    commas: list[int] = []
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
        elif character == "{":
            depth += 1
            if depth == 1:
                start, commas = at, []
        elif character == "," and depth == 1:
            commas.append(at)
        elif character == "}" and depth:
            depth -= 1
            if depth == 0:
                return start, commas, at
        at += 1
    return None


def _translate(pattern: str) -> str:
    """Return a pattern without braces as a regular expression."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            parts.append("(?:[^/]+/)*")
            at += 3
            while pattern.startswith("**/", at):
                at += 3
            continue
        regex, at = _one(pattern, at)
        parts.append(regex)
    return "".join(parts)


def _one(pattern: str, at: int) -> tuple[str, int]:
    character = pattern[at]
    if character == "*":
        while at < len(pattern) and pattern[at] == "*":
            at += 1
        return "[^/]*", at
    if character == "?":
        return "[^/]", at + 1
    if character == "[":
        return _bracket(pattern, at)
    if character == "\\" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), at + 2
    return re.escape(character), at + 1


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """Return `[a-z]` or `[!a-z]` as a regular expression; one that is not closed matches nothing."""
    end = at + 1
    negated = pattern[end : end + 1] in ("!", "^")
    end += negated
    items: list[str] = []
    while end < len(pattern) and pattern[end] != "]":
        low, end = _member(pattern, end)
        if pattern[end : end + 1] == "-" and pattern[end + 1 : end + 2] not in ("", "]"):
            high, end = _member(pattern, end + 1)
            if low <= high:
                items.append(f"{_class(low)}-{_class(high)}")
        else:
            items.append(_class(low))
    if end >= len(pattern):
        return r"[^\x00-\x{10FFFF}]", len(pattern)
    if negated:
        return f"[^/{''.join(items)}]", end + 1
    allowed = "".join(item for item in items if item != "/")
    return (f"[{allowed}]" if allowed else r"[^\x00-\x{10FFFF}]"), end + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\" and at + 1 < len(pattern):
        return pattern[at + 1], at + 2
    return pattern[at], at + 1


def _class(character: str) -> str:
    return "\\" + character if character in r"\]^-[" else character
