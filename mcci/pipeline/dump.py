"""Writes jobs as the YAML a person would have written: block style, short lists in one line, quotes only where needed.

A dumper of its own, because the shape is narrow (mappings with text keys, lists, text, numbers, booleans) and there are
tens of thousands of jobs in a large project: it is several times faster than a general one, and needs no anchors.
What it writes, every YAML 1.1 and 1.2 reader reads back as the same values (tests/unit/generate/test_dump.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

Scalar: TypeAlias = str | int | bool | None
Value: TypeAlias = "Scalar | Sequence[Value] | Mapping[str, Value]"

WIDTH = 120

# Text that is plain in block style: begins with a character that starts nothing else in YAML, holds no ": " and
# no " #", ends in no space or colon. `$`, `/`, `.` and `~/` begin much of what jobs hold; a lone `~` would be null.
_PLAIN = re.compile(r"""[A-Za-z0-9_$/.+~(=^][^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*""")
_BROKEN = re.compile(r": | #|:$|\s$|\t")
_NOT_IN_FLOW = re.compile(r"[\[\]{},]|:(?=$|[?\"'])")
# What YAML 1.1 or 1.2 would read as something else than text.
_OTHER = re.compile(
    r"""~|null|Null|NULL|true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|y|Y|n|N
    |=|<<|\.+|-+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)
    |[-+]?\.?[0-9][0-9a-fA-F_.,:xXoO+-]*|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ ]).*""",
    re.VERBOSE,
)


def dump(items: Mapping[str, Value]) -> str:
    """Return a mapping as the lines of a YAML block mapping, each ended by a newline."""
    lines: list[str] = []
    _mapping(items, "", lines)
    lines.append("")
    return "\n".join(lines)


@lru_cache(maxsize=65536)
def text(value: str) -> str:
    """Return `value` as a scalar for block style.

    GitLab fills inputs in before it reads the YAML, so text that holds one is quoted: its value may look like a number.
    """
    if "$[[" not in value and _PLAIN.fullmatch(value) and not _BROKEN.search(value) and not _OTHER.fullmatch(value):
        return value
    return _quoted(value)


@lru_cache(maxsize=65536)
def flow_text(value: str) -> str:
    """Return `value` as a scalar for a list in one line."""
    plain = text(value)
    return _quoted(value) if plain == value and _NOT_IN_FLOW.search(value) else plain


def inline(value: Value) -> str:
    """Return any value on one line, in flow style where it is a list or a mapping."""
    if isinstance(value, str):
        return flow_text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow_text(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(inline, value)) + "]"
    return _other(value)


def _mapping(items: Mapping[str, Value], indent: str, lines: list[str]) -> None:
    for key, value in items.items():
        lead = f"{indent}{text(key)}:"
        if isinstance(value, str):
            lines.append(f"{lead} {text(value)}")
        elif isinstance(value, Mapping):
            if value:
                lines.append(lead)
                _mapping(value, indent + "  ", lines)
            else:
                lines.append(f"{lead} {{}}")
        elif isinstance(value, Sequence):
            _sequence(key, value, lead, indent, lines)
        else:
            lines.append(f"{lead} {_other(value)}")


def _sequence(key: str, items: Sequence[Value], lead: str, indent: str, lines: list[str]) -> None:
    scalars = key not in _LINES and all(isinstance(item, (str, int)) for item in items)
    line = f"{lead} {inline(items)}" if scalars or not items else ""
    if line and (not items or len(line) <= WIDTH):
        lines.append(line)
        return
    lines.append(lead)
    for item in items:
        if isinstance(item, Mapping) and item:
            start = len(lines)
            _mapping(item, indent + "    ", lines)
            lines[start] = f"{indent}  - {lines[start][len(indent) + 4 :]}"
        else:
            lines.append(f"{indent}  - {text(item) if isinstance(item, str) else inline(item)}")


# Lists whose items are commands or conditions: one a line, however short.
_LINES = frozenset({"script", "before_script", "after_script", "rules", "include"})


def _quoted(value: str) -> str:
    """Return `value` in double quotes; JSON's escapes are YAML's, but for what YAML calls unprintable."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


_UNPRINTABLE = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def _other(value: Value) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)
