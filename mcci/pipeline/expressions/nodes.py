"""The tree of an expression and what each part of it means.

The values are GitLab's: a text, true, false, null (undefined variables too) or a pattern. `&&` and `||` give back one
of their sides, as in Ruby: only null and false count as false there, while an expression as a whole, and `!`, also take
an empty or blank text as false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from mcci.pipeline.expressions.patterns import Pattern, pattern_of

Result: TypeAlias = "str | bool | int | float | list[Any] | Pattern | None"
Lookup: TypeAlias = "Callable[[str], str | None]"


class Node(Protocol):
    """A part of an expression. `source` is its text."""

    source: str

    def evaluate(self, lookup: Lookup) -> Result:
        """Return the value of this part, variables taken from `lookup`."""

    def parts(self) -> Iterator[Node]:
        """Yield the parts this one is made of, left to right."""


def present(value: Result) -> bool:
    """Return whether a value counts as true at the end: not null, not false, not a blank text."""
    if isinstance(value, str):
        return bool(value.strip(" \t\n\v\f\r\0"))
    return value is not None and value is not False and value != []


def _stands(value: Result) -> bool:
    return value is not None and value is not False


@dataclass(frozen=True, slots=True)
class Literal:
    """A quoted text, `null`, `true`, `false`, or a pattern."""

    source: str
    value: Result

    def evaluate(self, lookup: Lookup) -> Result:
        return self.value

    def parts(self) -> Iterator[Node]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME`: its value, or null when it is not defined."""

    source: str
    name: str

    def evaluate(self, lookup: Lookup) -> Result:
        return lookup(self.name)

    def parts(self) -> Iterator[Node]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Equality:
    """`left == right`, or `!=` when `negated`."""

    source: str
    left: Node
    right: Node
    negated: bool

    def evaluate(self, lookup: Lookup) -> Result:
        left, right = self.left.evaluate(lookup), self.right.evaluate(lookup)
        equal = type(left) is type(right) and left == right
        return equal is not self.negated

    def parts(self) -> Iterator[Node]:
        return iter((self.left, self.right))


@dataclass(frozen=True, slots=True)
class Match:
    """`left =~ right`, or `!~` when `negated`.

    A right side that is no pattern is searched *for* the left side, the other way round than one would expect:
    https://docs.gitlab.com/ci/jobs/job_rules/#unexpected-behavior-from-regular-expression-matching-with-
    """

    source: str
    left: Node
    right: Node
    negated: bool

    def evaluate(self, lookup: Lookup) -> Result:
        right = self.right.evaluate(lookup)
        if not _stands(right):
            return self.negated
        left = self.left.evaluate(lookup)
        text = "" if left is None else left if isinstance(left, str) else str(left).lower()
        pattern = right if isinstance(right, Pattern) else pattern_of(right) if isinstance(right, str) else None
        found = pattern.matches(text) if pattern is not None else text in str(right)
        return found is not self.negated

    def parts(self) -> Iterator[Node]:
        return iter((self.left, self.right))


@dataclass(frozen=True, slots=True)
class And:
    """`left && right`: the left side when it is null or false, else the right one."""

    source: str
    left: Node
    right: Node

    def evaluate(self, lookup: Lookup) -> Result:
        left = self.left.evaluate(lookup)
        return self.right.evaluate(lookup) if _stands(left) else left

    def parts(self) -> Iterator[Node]:
        return iter((self.left, self.right))


@dataclass(frozen=True, slots=True)
class Or:
    """`left || right`: the left side unless it is null or false, else the right one."""

    source: str
    left: Node
    right: Node

    def evaluate(self, lookup: Lookup) -> Result:
        left = self.left.evaluate(lookup)
        return left if _stands(left) else self.right.evaluate(lookup)

    def parts(self) -> Iterator[Node]:
        return iter((self.left, self.right))


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`: true for null, false and a blank text."""

    source: str
    operand: Node

    def evaluate(self, lookup: Lookup) -> Result:
        return not present(self.operand.evaluate(lookup))

    def parts(self) -> Iterator[Node]:
        return iter((self.operand,))
