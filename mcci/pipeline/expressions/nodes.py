"""The tree of an expression and what each part of it means.

The values are GitLab's: a text, true, false, null (undefined variables too) or a pattern. `&&` and `||` give back one
of their sides, as in Ruby: only null and false count as false there, while an expression as a whole, and `!`, also take
an empty or blank text as false.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcci.pipeline.expressions.patterns import Pattern, pattern_of
from mcci.pipeline.expressions.tokens import Kind

Result: TypeAlias = "str | bool | int | float | list[Any] | Pattern | None"
Lookup: TypeAlias = "Callable[[str], str | None]"
Node: TypeAlias = "Literal | Variable | Operation"


def present(value: Result) -> bool:
    """Return whether a value counts as true at the end: not null, not false, not a blank text."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value is not False and value != []


def _stands(value: Result) -> bool:
    return value is not None and value is not False


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A quoted text, `null`, `true`, `false`, or a pattern. `source` is its text in the expression."""

    source: str
    value: Result

    def evaluate(self, lookup: Lookup) -> Result:
        """Return the value itself."""
        return self.value

    @property
    def parts(self) -> tuple[Node, ...]:
        """Return no parts."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """`$NAME`, or `$[[ inputs.name ]]` as `inputs.name`."""

    source: str
    name: str

    def evaluate(self, lookup: Lookup) -> Result:
        """Return the variable's value, or None (null) when it is not defined."""
        return lookup(self.name)

    @property
    def parts(self) -> tuple[Node, ...]:
        """Return no parts."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operator between two parts; `!` has its one part on both sides."""

    source: str
    kind: Kind
    left: Node
    right: Node

    def evaluate(self, lookup: Lookup) -> Result:
        """Return the operation's value; the right side is evaluated only where it can matter."""
        left = self.left.evaluate(lookup)
        if self.kind is Kind.AND:
            return self.right.evaluate(lookup) if _stands(left) else left
        if self.kind is Kind.OR:
            return left if _stands(left) else self.right.evaluate(lookup)
        if self.kind is Kind.NOT:
            return not present(left)
        right = self.right.evaluate(lookup)
        if self.kind in (Kind.EQUALS, Kind.NOT_EQUALS):
            equal = type(left) is type(right) and left == right
            return equal is (self.kind is Kind.EQUALS)
        return _matches(left, right) is (self.kind is Kind.MATCHES)

    @property
    def parts(self) -> tuple[Node, ...]:
        """Return the parts, left to right."""
        return (self.left,) if self.kind is Kind.NOT else (self.left, self.right)


def _matches(left: Result, right: Result) -> bool:
    """Return whether `left =~ right`; nothing matches null.

    A right side that is no pattern is searched *for* the left side, the other way round than one would expect:
    https://docs.gitlab.com/ci/jobs/job_rules/#unexpected-behavior-from-regular-expression-matching-with-
    """
    if not _stands(right):
        return False
    text = left if isinstance(left, str) else "" if left is None else str(left).lower()
    pattern = right if isinstance(right, Pattern) else pattern_of(right) if isinstance(right, str) else None
    return pattern.matches(text) if pattern is not None else text in str(right)
