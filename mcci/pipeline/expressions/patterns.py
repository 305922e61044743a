"""GitLab's regular expressions: `/…/` with flags, run by RE2 in time linear in the text, whatever the pattern."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_WRAPPED = re.compile(r"^/(?P<body>.*)/(?P<flags>[ismU]*)$", re.MULTILINE)


class Pattern:
    """One compiled pattern. `source` is the text it came from."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str, compiled: Any) -> None:
        self.source = source
        self._compiled = compiled

    def matches(self, text: str) -> bool:
        """Return whether the pattern is found anywhere in `text`."""
        return self._compiled.search(text) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return self.source


@lru_cache(maxsize=4096)
def pattern_of(text: str) -> Pattern | None:
    """Return the pattern that `/…/flags` means, or None when `text` is not of that form or RE2 refuses it."""
    wrapped = _WRAPPED.search(text.replace("\\/", "/"))
    if wrapped is None:
        return None
    body, flags = wrapped["body"], wrapped["flags"]
    compiled = compile_regex(f"(?{flags}){body}" if flags else body)
    return None if compiled is None else Pattern(text, compiled)


@lru_cache(maxsize=4096)
def compile_regex(regex: str) -> Any:
    """Return RE2's compiled form of `regex`, or None when it is not valid there."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(regex, options)
    except (re2.error, UnicodeError):
        return None
