"""`$[[ inputs.name | function ]]` in a file's text.

GitLab fills the blocks in before the text is read as YAML: a number or a list is written as JSON, a text as it is.
https://docs.gitlab.com/ci/inputs/#define-input-parameters-with-specinputs
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from mcci.findings import Position
from mcci.pipeline.input_functions import FunctionError, apply

Report = Callable[[str, str, Position], None]

MAX_BLOCKS = 10_000
MAX_FUNCTIONS = 3
MAX_CHARACTERS = 4 * 1024 * 1024
_BLOCK = re.compile(r"\$\[\[\s*(?P<data>\S.*?\S)\s*\]\]")
_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def split_header(text: str) -> tuple[str, str] | None:
    """Return the header document and the content of a text, or None when it has no `spec` header.

    The content keeps its place: lines above it are left empty, so that positions hold.
    """
    if "spec" not in text:
        return None
    separators = list(_SEPARATOR.finditer(text))
    first = separators[0] if separators else None
    if first is not None and not _without_comments(text[: first.start()]):
        separators = separators[1:]
    if not separators or not re.search(r"^['\"]?spec['\"]?\s*:", text[: separators[0].start()], re.MULTILINE):
        return None
    end = separators[0]
    return text[: end.start()], "\n" * text.count("\n", 0, end.end()) + text[end.end() :].lstrip(" \t")


def _without_comments(text: str) -> str:
    return re.sub(r"^\s*(#.*|%.*)?$", "", text, flags=re.MULTILINE).strip()


def interpolate(
    text: str,
    contexts: Mapping[str, Mapping[str, Any]],
    variables: Callable[[str], str | None],
    report: Report,
    file: str,
) -> str | None:
    """Return `text` with its blocks filled in, or None when one of them cannot be (reported at its place).

    `contexts` has the values by the first word of an access: `inputs`, `component`.
    """
    known: dict[str, str | None] = {}
    size = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal size
        block = match[0]
        if block not in known:
            if len(known) == MAX_BLOCKS:
                raise OverflowError
            known[block] = _value(match, contexts, variables, report, file)
        value = known[block]
        size += len(value or "")
        if size > MAX_CHARACTERS:
            raise OverflowError
        return value or ""

    try:
        filled = _BLOCK.sub(fill, text)
    except OverflowError:
        report("inputs", "too many, or too large, interpolation blocks", Position(file=file))
        return None
    return None if None in known.values() else filled


def _value(
    match: re.Match[str],
    contexts: Mapping[str, Mapping[str, Any]],
    variables: Callable[[str], str | None],
    report: Report,
    file: str,
) -> str | None:
    access, *functions = (part.strip() for part in match["data"].split("|"))
    context, *path = access.split(".")
    if context == "matrix":
        return match[0]
    before = match.string[: match.start()]
    where = Position(file=file, line=before.count("\n") + 1, column=match.start() - before.rfind("\n"))
    found: Any = contexts.get(context)
    for step in path:
        found = found.get(step, _MISSING) if isinstance(found, Mapping) else _MISSING
    if (found is None and context not in contexts) or found is _MISSING or not path:
        report("inputs", f"unknown interpolation key: `{access}`", where)
        return None
    if len(functions) > MAX_FUNCTIONS:
        report("inputs", "too many functions in interpolation block", where)
        return None
    try:
        for function in functions:
            found = apply(function, found, variables)
    except FunctionError as error:
        report("inputs", str(error), where)
        return None
    return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"))


_MISSING = object()
