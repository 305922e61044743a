"""Whether the parts of a rule hold, for all events at once: a box of them in, the parts of it with an answer out.

What a comparison means is asked of the language's own evaluation, at each combination of values of its variables.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, TypeAlias

from mcci.check.proofs.event_space import EventSpace, Kind
from mcci.check.proofs.scopes import Scope, distinct
from mcci.check.proofs.space import Answer, Box, Dimension, Point, Question, answers, bounded, question
from mcci.check.proofs.usage import variables
from mcci.pipeline.expressions import ExpressionError, Node, Result, parse, present
from mcci.pipeline.expressions.nodes import Operation
from mcci.pipeline.expressions.tokens import Kind as Token
from mcci.pipeline.rules import Rule
from mcci.pipeline.variables import expand_existing, nested
from mcci.simulation.events import Source

_COMPARED = (Source.PUSH, Source.MERGE_REQUEST, Source.EXTERNAL_PULL_REQUEST)
Outcome: TypeAlias = "Iterator[tuple[Box, bool]]"


def first_match(rules: Sequence[Rule], boxes: Sequence[Box], scope: Scope) -> list[tuple[Box, Rule | None]]:
    """Return the parts of the boxes, each with the first rule that matches there, or None. Raises `TooMany`."""
    found: list[tuple[Box, Rule | None]] = []
    waiting = list(boxes)
    for rule in rules:
        left: list[Box] = []
        for box in waiting:
            for part, matches in rule_holds(rule, box, scope):
                if matches:
                    found.append((part, rule))
                else:
                    left.append(part)
                bounded(found)
                bounded(left)
        waiting = left
    return [*found, *((box, None) for box in waiting)]


def rule_holds(rule: Rule, box: Box, scope: Scope) -> Outcome:
    """Yield the parts of a box, each with whether the rule matches there."""
    clauses: list[Callable[[Box], Outcome]] = []
    if rule.condition is not None:
        condition = rule.condition
        clauses.append(lambda part: expression_holds(condition, part, scope))
    if rule.changes is not None:
        paths, compare_to = rule.changes.paths, rule.changes.compare_to
        clauses.append(lambda part: changes_hold(paths, compare_to, part, scope))
    if rule.exists is not None:
        exists = rule.exists
        clauses.append(lambda part: _exists_hold(exists.paths, exists.project, exists.ref, part, scope))
    yield from _every(clauses, box)


def _every(clauses: list[Callable[[Box], Outcome]], box: Box) -> Outcome:
    if not clauses:
        yield box, True
        return
    for part, holds in clauses[0](box):
        if holds:
            yield from _every(clauses[1:], part)
        else:
            yield part, False


def expression_holds(text: str, box: Box, scope: Scope) -> Outcome:
    """Yield the parts of a box, each with whether an expression is true there; an invalid one is false."""
    try:
        node = parse(text)
    except ExpressionError:
        yield box, False
        return
    yield from _truth(node, box, scope, present)


def _truth(node: Node, box: Box, scope: Scope, counts: Callable[[Result], bool]) -> Outcome:
    """Yield the parts of a box, each with whether the node's value `counts` there: is present, or stands in `&&`."""
    if isinstance(node, Operation) and node.kind is Token.AND:
        for part, left in _truth(node.left, box, scope, _stands):
            if left:
                yield from _truth(node.right, part, scope, counts)
            else:
                yield part, False
    elif isinstance(node, Operation) and node.kind is Token.OR:
        for part, left in _truth(node.left, box, scope, _stands):
            yield from _truth(node.left if left else node.right, part, scope, counts)
    elif isinstance(node, Operation) and node.kind is Token.NOT:
        for part, inner in _truth(node.left, box, scope, present):
            yield part, not inner
    else:
        dimensions = distinct(each for name in variables(node) for each in scope.decided_by(name))
        yield from _asked(box, scope, (node, counts), dimensions, lambda point: counts(node.evaluate(scope.at(point))))


def _stands(value: Result) -> bool:
    return value is not None and value is not False


def _asked(
    box: Box, scope: Scope, key: Hashable, dimensions: Sequence[Dimension], ask: Callable[[Point], Hashable]
) -> Iterator[tuple[Box, Any]]:
    """Yield the parts of a box, each with what `ask` says there; what was asked before, by its `key`, is known."""
    if key not in scope.questions:
        scope.questions[key] = question(dimensions, ask)
    return answers(box, scope.questions[key])


def changes_hold(paths: Sequence[str], compare_to: str | None, box: Box, scope: Scope) -> Outcome:
    """Yield the parts of a box, each with whether one of the files that `paths` name changed."""
    space = scope.space
    for part, (patterns, ref) in _texts(paths, compare_to, box, scope):
        dimension = space.changed(frozenset(patterns), ref)
        decides = (space.kind, dimension) if ref is None else (space.kind, space.ref, dimension)
        yield from _asked(part, scope, (dimension, ref), decides, _changed(space, dimension, ref))


def _changed(space: EventSpace, dimension: Dimension, compare_to: str | None) -> Callable[[Point], bool]:
    against = None if compare_to is None else compare_to.removeprefix("refs/heads/").removeprefix("refs/tags/")

    def changed(point: Point) -> bool:
        kind: Kind = point[space.kind]
        if against is None:
            known = kind.source in _COMPARED and not kind.tag
            return bool(point[dimension]) if known else True
        if not kind.merge_request and point[space.ref] == against:
            return False
        return bool(point[dimension])

    return changed


def _exists_hold(paths: Sequence[str], project: str | None, ref: str | None, box: Box, scope: Scope) -> Outcome:
    for part, (patterns, other, at) in _texts(paths, project, box, scope, ref, deep=False):
        dimension = scope.space.existing(frozenset(patterns), other, at)
        yield from answers(part, Question(dimension, ((1, Answer(False)), (2, Answer(True)))))


def _texts(
    paths: Sequence[str], second: str | None, box: Box, scope: Scope, *more: str | None, deep: bool = True
) -> Iterator[tuple[Box, Any]]:
    """Yield the parts of a box, each with the paths and the other texts, variables filled in."""
    every = (*paths, second, *more)
    if not any(text is not None and ("$" in text or "%" in text) for text in every):
        yield box, (tuple(paths), second, *more)
        return
    dimensions = distinct(each for text in every if text is not None for each in scope.decided_by_text(text))

    def filled(point: Point) -> Hashable:
        lookup = nested(scope.at(point)) if deep else scope.at(point)
        texts = [None if text is None else expand_existing(text, lookup) for text in every]
        return (tuple(texts[: len(paths)]), *texts[len(paths) :])

    yield from _asked(box, scope, (every, deep), dimensions, filled)
