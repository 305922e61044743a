"""From tokens to a tree: `!` binds first, then comparisons, then `&&`, then `||`, as GitLab's documentation says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mcci.pipeline.expressions.nodes import And, Equality, Literal, Match, Node, Not, Or, Result, Variable
from mcci.pipeline.expressions.patterns import pattern_of
from mcci.pipeline.expressions.tokens import ExpressionError, Kind, Token, tokenize

__all__ = ["ExpressionError", "parse"]

_COMPARISONS = {Kind.EQUALS, Kind.NOT_EQUALS, Kind.MATCHES, Kind.NOT_MATCHES}


@lru_cache(maxsize=65536)
def parse(text: str) -> Node:
    """Return the tree of an expression. Raises `ExpressionError` for a text that GitLab would refuse."""
    parser = _Parser(text, tokenize(text))
    node = parser.either()
    if parser.at < len(parser.tokens):
        token = parser.tokens[parser.at]
        raise ExpressionError(f"'{text[token.start : token.end]}' was not expected here", token.start)
    return node.node


@dataclass(frozen=True, slots=True)
class _Parsed:
    node: Node
    start: int
    end: int


class _Parser:
    """Recursive descent; the depth is bounded by the number of tokens GitLab takes."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0

    def either(self) -> _Parsed:
        left = self.both()
        while self._next_is({Kind.OR}):
            self.at += 1
            right = self.both()
            source = self.text[left.start : right.end]
            left = _Parsed(Or(source, left.node, right.node), left.start, right.end)
        return left

    def both(self) -> _Parsed:
        left = self.comparison()
        while self._next_is({Kind.AND}):
            self.at += 1
            right = self.comparison()
            source = self.text[left.start : right.end]
            left = _Parsed(And(source, left.node, right.node), left.start, right.end)
        return left

    def comparison(self) -> _Parsed:
        left = self.operand()
        while self._next_is(_COMPARISONS):
            kind = self.tokens[self.at].kind
            self.at += 1
            right = self.operand()
            source = self.text[left.start : right.end]
            left = _Parsed(_compare(kind, source, left.node, right.node), left.start, right.end)
        return left

    def operand(self) -> _Parsed:
        if self.at == len(self.tokens):
            raise ExpressionError("the expression ends where a value is expected", len(self.text))
        token = self.tokens[self.at]
        self.at += 1
        if token.kind is Kind.NOT:
            operand = self.operand()
            source = self.text[token.start : operand.end]
            return _Parsed(Not(source, operand.node), token.start, operand.end)
        if token.kind is Kind.OPEN:
            return self._group(token)
        return _Parsed(self._value(token), token.start, token.end)

    def _group(self, opening: Token) -> _Parsed:
        inner = self.either()
        if not self._next_is({Kind.CLOSE}):
            raise ExpressionError("a parenthesis is not closed", opening.start)
        closing = self.tokens[self.at]
        self.at += 1
        return _Parsed(inner.node, opening.start, closing.end)

    def _value(self, token: Token) -> Node:
        source = self.text[token.start : token.end]
        if token.kind is Kind.VARIABLE:
            return Variable(source, token.value)
        if token.kind is Kind.INPUT:
            return Variable(source, f"inputs.{token.value}")
        constants: dict[Kind, Result] = {Kind.STRING: token.value, Kind.NULL: None, Kind.BOOLEAN: token.value == "true"}
        if token.kind in constants:
            return Literal(source, constants[token.kind])
        if token.kind is Kind.PATTERN:
            pattern = pattern_of(source)
            if pattern is None:
                raise ExpressionError(f"{source} is not a regular expression that RE2 takes", token.start)
            return Literal(source, pattern)
        raise ExpressionError(f"'{source}' was not expected here", token.start)

    def _next_is(self, kinds: set[Kind]) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].kind in kinds


def _compare(kind: Kind, source: str, left: Node, right: Node) -> Node:
    if kind in (Kind.EQUALS, Kind.NOT_EQUALS):
        return Equality(source, left, right, kind is Kind.NOT_EQUALS)
    return Match(source, left, right, kind is Kind.NOT_MATCHES)
