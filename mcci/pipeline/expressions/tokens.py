"""From the text of an expression to its tokens.

The kinds are tried in GitLab's order at each place, so that what is a variable, a string or a pattern is decided as
GitLab decides it (a pattern needs two characters at least, a string ends at its first matching quote).
"""

from __future__ import annotations

import re
from enum import Enum

MAX_TOKENS = 100


class ExpressionError(Exception):
    """The text is no expression. `str()` says why; `offset` says where in the text, counted from 0."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class Kind(Enum):
    """What a token is."""

    OPEN = "("
    CLOSE = ")"
    INPUT = "input"
    VARIABLE = "variable"
    STRING = "string"
    PATTERN = "pattern"
    NULL = "null"
    BOOLEAN = "boolean"
    EQUALS = "=="
    MATCHES = "=~"
    NOT_EQUALS = "!="
    NOT_MATCHES = "!~"
    NOT = "!"
    AND = "&&"
    OR = "||"


class Token:
    """One token: its kind, its value (a name, the text of a string or pattern), and where it stands in the text."""

    __slots__ = ("end", "kind", "start", "value")

    def __init__(self, kind: Kind, value: str, start: int, end: int) -> None:
        self.kind = kind
        self.value = value
        self.start = start
        self.end = end


_SPACE = re.compile(r"\s*", re.ASCII)
_TOKEN = re.compile(
    r"""
      (?P<OPEN> \( ) | (?P<CLOSE> \) )
    | \$\[\[\s*inputs\.(?P<INPUT> \w+ )\s*\]\]
    | \$(?P<VARIABLE> \w+ )
    | "(?P<STRING> .*? )" | '(?P<STRING_SINGLE> .*? )'
    | (?P<PATTERN> /(?:[^/]|\\/)+[^\\]/[ismU]* )
    | (?P<NULL> null )
    | (?P<BOOLEAN> \b(?:true|false)\b )
    | (?P<EQUALS> == ) | (?P<MATCHES> =~ ) | (?P<NOT_EQUALS> != ) | (?P<NOT_MATCHES> !~ ) | (?P<NOT> ! )
    | (?P<AND> && ) | (?P<OR> \|\| )
    """,
    re.ASCII | re.VERBOSE,
)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text`. Raises `ExpressionError` at the first place where none begins."""
    tokens: list[Token] = []
    at = _end_of_space(text, 0)
    while at < len(text):
        if len(tokens) == MAX_TOKENS:
            raise ExpressionError(f"more than {MAX_TOKENS} tokens, GitLab's limit", at)
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read {_excerpt(text, at)}", at)
        tokens.append(_token(match))
        at = _end_of_space(text, match.end())
    return tokens


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    value = match.group(kind)
    if kind == "STRING_SINGLE":
        kind = "STRING"
    return Token(Kind[kind], value, match.start(), match.end())


def _end_of_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _excerpt(text: str, at: int) -> str:
    rest = text[at : at + 20]
    return f"'{rest}{'…' if len(text) > at + 20 else ''}'"
