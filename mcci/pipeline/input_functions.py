"""The functions that a `$[[ … | function ]]` block may apply.

https://docs.gitlab.com/ci/inputs/#predefined-interpolation-functions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mcci.pipeline.variables import expand_existing

_TRUNCATE = re.compile(r"truncate\(\s*(\d+)\s*,\s*(\d+)\s*\)")


class FunctionError(Exception):
    """A function that does not exist, or cannot be applied to this value."""


def apply(call: str, value: Any, variables: Callable[[str], str | None]) -> Any:
    """Return what `call` (`expand_vars`, `truncate(2,4)`, …) makes of `value`. Raises `FunctionError`."""
    name = call.split("(", 1)[0].strip()
    truncate = _TRUNCATE.fullmatch(call)
    if truncate is None and call not in ("expand_vars", "posix_escape", "posix_quote"):
        raise FunctionError(f"no function matching '{call}': check that the function name and arguments are correct")
    if not isinstance(value, str):
        raise FunctionError(f"invalid input type for '{name}': it takes a string")
    if truncate is not None:
        return value[int(truncate[1]) : int(truncate[1]) + int(truncate[2])]
    if call == "expand_vars":
        return expand_existing(value, variables)
    return _escape(value) if call == "posix_escape" else _quote(value)


def _escape(value: str) -> str:
    """Return `value` with every character that a shell could read otherwise behind a backslash."""
    if not value:
        return "''"
    return re.sub(r"[^A-Za-z0-9_\-.,:+/@\n]", lambda match: "\\" + match[0], value).replace("\n", "'\n'")


def _quote(value: str) -> str:
    import shlex

    return shlex.quote(value)
