"""From tokens to a tree: `!` binds first, then comparisons, then `&&`, then `||`, as GitLab's documentation says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from mcci.pipeline.expressions.nodes import Literal, Node, Operation, Variable
from mcci.pipeline.expressions.patterns import pattern_of
from mcci.pipeline.expressions.tokens import ExpressionError, Kind, Token, tokenize

__all__ = ["ExpressionError", "parse"]

_Parsed: TypeAlias = "tuple[Node, int, int]"  # a part, and where its text starts and ends
_COMPARISONS = (Kind.EQUALS, Kind.NOT_EQUALS, Kind.MATCHES, Kind.NOT_MATCHES)


@lru_cache(maxsize=65536)
def parse(text: str) -> Node:
    """Return the tree of an expression. Raises `ExpressionError` for a text that GitLab would refuse."""
    parser = _Parser(text, tokenize(text))
    node, _, _ = parser.either()
    if parser.at < len(parser.tokens):
        token = parser.tokens[parser.at]
        raise ExpressionError(f"'{text[token.start : token.end]}' was not expected here", token.start)
    return node


class _Parser:
    """Recursive descent; its depth is bounded by the number of tokens that GitLab takes."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0

    def either(self) -> _Parsed:
        """Read parts joined by `||`."""
        return self._joined((Kind.OR,), self._both)

    def _both(self) -> _Parsed:
        return self._joined((Kind.AND,), self._comparison)

    def _comparison(self) -> _Parsed:
        return self._joined(_COMPARISONS, self._operand)

    def _joined(self, kinds: tuple[Kind, ...], inner: Callable[[], _Parsed]) -> _Parsed:
        left, start, end = inner()
        while self.at < len(self.tokens) and self.tokens[self.at].kind in kinds:
            kind = self.tokens[self.at].kind
            self.at += 1
            right, _, end = inner()
            left = Operation(self.text[start:end], kind, left, right)
        return left, start, end

    def _operand(self) -> _Parsed:
        if self.at == len(self.tokens):
            raise ExpressionError("the expression ends where a value is expected", len(self.text))
        token = self.tokens[self.at]
        self.at += 1
        if token.kind is Kind.NOT:
            operand, _, end = self._operand()
            return Operation(self.text[token.start : end], Kind.NOT, operand, operand), token.start, end
        if token.kind is Kind.OPEN:
            return self._group(token)
        return self._value(token), token.start, token.end

    def _group(self, opening: Token) -> _Parsed:
        node, _, _ = self.either()
        if self.at == len(self.tokens) or self.tokens[self.at].kind is not Kind.CLOSE:
            raise ExpressionError("a parenthesis is not closed", opening.start)
        self.at += 1
        return node, opening.start, self.tokens[self.at - 1].end

    def _value(self, token: Token) -> Node:
        source = self.text[token.start : token.end]
        if token.kind is Kind.VARIABLE:
            return Variable(source, token.value)
        if token.kind is Kind.INPUT:
            return Variable(source, f"inputs.{token.value}")
        if token.kind is Kind.STRING:
            return Literal(source, token.value)
        if token.kind is Kind.NULL:
            return Literal(source, None)
        if token.kind is Kind.BOOLEAN:
            return Literal(source, token.value == "true")
        if token.kind is not Kind.PATTERN:
            raise ExpressionError(f"'{source}' was not expected here", token.start)
        pattern = pattern_of(source)
        if pattern is None:
            raise ExpressionError(f"{source} is not a regular expression that RE2 takes", token.start)
        return Literal(source, pattern)
