"""What can be said of a rule's `if` without an event: the values it demands of variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcci.pipeline.expressions import ExpressionError, Node, parse
from mcci.pipeline.expressions.nodes import Literal, Operation, Variable
from mcci.pipeline.expressions.tokens import Kind


def impossible(condition: object, known: Mapping[str, str]) -> bool:
    """Say whether `condition` is false wherever the variables have the `known` values, whatever the others are."""
    alternatives = demands(condition)
    return bool(alternatives) and all(_contradicts(alternative, known) for alternative in alternatives)


def demands(condition: object) -> list[dict[str, str]]:
    """Return, for each alternative of `condition`, the values it demands of variables (`$X == "y"`).

    What is not such a comparison demands nothing here; without a condition, or with an invalid one, there is one
    alternative that demands nothing. Conditions with very many alternatives count as demanding nothing.
    """
    if not isinstance(condition, str):
        return [{}]
    try:
        return _alternatives(parse(condition))
    except ExpressionError:
        return [{}]


def _alternatives(node: Node) -> list[dict[str, str]]:
    if isinstance(node, Operation) and node.kind is Kind.OR:
        return [*_alternatives(node.left), *_alternatives(node.right)]
    if isinstance(node, Operation) and node.kind is Kind.AND:
        pairs = [(left, right) for left in _alternatives(node.left) for right in _alternatives(node.right)]
        return [{**left, **right} for left, right in pairs] if len(pairs) <= 64 else [{}]
    return [dict(_equal(node))]


def _equal(node: Node) -> Iterator[tuple[str, str]]:
    if not isinstance(node, Operation) or node.kind is not Kind.EQUALS:
        return
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, Variable) and isinstance(other, Literal) and isinstance(other.value, str):
            yield one.name, other.value


def _contradicts(alternative: Mapping[str, str], known: Mapping[str, str]) -> bool:
    return any(name in known and known[name] != value for name, value in alternative.items())
