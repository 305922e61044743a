"""The functions that a `$[[ … | function ]]` block may apply.

https://docs.gitlab.com/ci/inputs/#predefined-interpolation-functions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mcci.pipeline.variables import expand_existing

_TRUNCATE = re.compile(r"truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)?")
_SPLIT = re.compile(r"split\('([^']*)'\)")


class FunctionError(Exception):
    """A function that does not exist, or cannot be applied to this value."""


def apply(call: str, value: Any, variables: Callable[[str], str | None]) -> Any:
    """Return what `call` (`expand_vars`, `truncate(2,4)`, …) makes of `value`. Raises `FunctionError`.

    `variables` may raise `FunctionError` itself for a variable that must not be shown.
    """
    name = call.split("(", 1)[0].strip()
    truncate, split = _TRUNCATE.fullmatch(call), _SPLIT.fullmatch(call)
    if truncate is None and split is None and call not in ("expand_vars", "posix_escape", "posix_quote"):
        raise FunctionError(
            f"no function matching `{call}`: check that the function name, arguments, and types are correct"
        )
    if not isinstance(value, str):
        raise FunctionError(f"invalid input type: {name} can only be used with string inputs")
    if truncate is not None:
        return value[int(truncate[1]) : int(truncate[1]) + int(truncate[2])]
    if split is not None:
        if not split[1]:
            raise FunctionError("invalid argument: separator cannot be empty")
        return [item for part in value.split(split[1]) if (item := part.strip())]
    if call == "expand_vars":
        return expand_existing(value, variables)
    return _escape(value) if call == "posix_escape" else _quote(value)


def _escape(value: str) -> str:
    """Return `value` with every character that a shell could read otherwise behind a backslash."""
    if not value:
        return "''"
    return re.sub(r"[^A-Za-z0-9_\-.,:+/@\n]", lambda match: "\\" + match[0], value).replace("\n", "'\n'")


def _quote(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
