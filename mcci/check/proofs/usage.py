"""What the rules of a family of pipelines ask of variables: with what each is compared, and which are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from mcci.check.pipelines import Pipeline
from mcci.pipeline.expressions import ExpressionError, Node, parse
from mcci.pipeline.expressions.nodes import Literal, Operation, Variable
from mcci.pipeline.expressions.patterns import Pattern, pattern_of
from mcci.pipeline.expressions.tokens import Kind
from mcci.pipeline.rules import Rule
from mcci.pipeline.variables import Variable as Defined
from mcci.pipeline.variables import references

COMPARISONS = frozenset((Kind.EQUALS, Kind.NOT_EQUALS, Kind.MATCHES, Kind.NOT_MATCHES))


@dataclass(slots=True)
class Asked:
    """What is asked of one variable: is it one of these texts, does it match these patterns.

    `texts` and `patterns` keep their order. `whole`: its very value matters, since it becomes a part of a path or is
    held against another variable.
    """

    texts: dict[str, None] = field(default_factory=dict)
    patterns: dict[Pattern, None] = field(default_factory=dict)
    whole: bool = False

    def add(self, other: Asked) -> None:
        """Ask all that `other` asks, too."""
        self.texts.update(other.texts)
        self.patterns.update(other.patterns)
        self.whole = self.whole or other.whole


@dataclass(slots=True)
class Usage:
    """What all rules of a family ask: of each variable by its name, and of refs by `only` and `except`."""

    variables: dict[str, Asked] = field(default_factory=dict)
    refs: Asked = field(default_factory=Asked)
    links: list[tuple[str, str]] = field(default_factory=list)
    children: set[str] = field(default_factory=set)
    parents: set[str] = field(default_factory=set)

    def of(self, name: str) -> Asked:
        """Return what is asked of a variable, by those it is compared with too."""
        group, waiting = {name}, [name]
        while waiting:
            current = waiting.pop()
            for pair in self.links:
                if current in pair:
                    waiting.extend(other for other in pair if other not in group)
                    group.update(pair)
        every = Asked()
        for member in sorted(group):
            every.add(self.variables.get(member, Asked()))
        return every


def usage(pipelines: list[Pipeline]) -> Usage:
    """Return what the rules of these pipelines, a parent and those below it, ask."""
    found = Usage()
    for pipeline in pipelines:
        reader = _Reader(pipeline, found)
        reader.read()
    return found


class _Reader:
    def __init__(self, pipeline: Pipeline, found: Usage) -> None:
        self.configuration = pipeline.configuration
        self.found = found
        self.names = found.parents if pipeline.parent is None else found.children
        self.seen: set[int] = set()

    def read(self) -> None:
        self._rules(self.configuration.workflow.rules)
        for job in self.configuration.jobs.values():
            self._rules(job.rules)
            for policy in (job.only, job.except_):
                if policy is None:
                    continue
                for expression in policy.variables or ():
                    self._expression(expression)
                for path in policy.changes or ():
                    self._text(path)
                for ref in policy.refs or ():
                    self._ref(ref.partition("@")[0])
            if job.trigger is not None:
                for text in (*(each.value for each in job.trigger.include), *self._forwarded(job.variables)):
                    self._text(text)

    def _forwarded(self, own: object) -> Iterator[str]:
        holders = (self.configuration.variables, own)
        for holder in holders:
            if isinstance(holder, dict):
                yield from (each.value for each in holder.values() if isinstance(each, Defined) and not each.raw)

    def _rules(self, rules: tuple[Rule, ...] | None) -> None:
        if rules is None or id(rules) in self.seen:
            return
        self.seen.add(id(rules))
        for rule in rules:
            if rule.condition is not None:
                self._expression(rule.condition)
            for clause in (rule.changes, rule.exists):
                for path in clause.paths if clause is not None else ():
                    self._text(path)
            if rule.changes is not None and rule.changes.compare_to is not None:
                self._text(rule.changes.compare_to)
            for value in rule.variables.values():
                self._text(value)

    def _ref(self, name: str) -> None:
        pattern = pattern_of(name) if name.startswith("/") else None
        if pattern is not None:
            self.found.refs.patterns[pattern] = None
        else:
            self.found.refs.texts[name] = None

    def _text(self, text: str) -> None:
        for name in references(Defined(key="", value=text)):
            self._variable(name).whole = True

    def _variable(self, name: str) -> Asked:
        self.names.add(name)
        return self.found.variables.setdefault(name, Asked())

    def _expression(self, text: str) -> None:
        try:
            waiting = [parse(text)]
        except ExpressionError:
            return
        while waiting:
            node = waiting.pop()
            if isinstance(node, Variable):
                self._variable(node.name)
            elif isinstance(node, Operation) and node.kind in COMPARISONS:
                self._comparison(node.left, node.right)
            elif isinstance(node, Operation):
                waiting.extend(node.parts)

    def _comparison(self, left: Node, right: Node) -> None:
        names = [*variables(left), *variables(right)]
        texts = [each.value for side in (left, right) for each in _literals(side)]
        for name in names:
            asked = self._variable(name)
            asked.texts.update((text, None) for text in texts if isinstance(text, str))
            asked.patterns.update((pattern, None) for pattern in texts if isinstance(pattern, Pattern))
            asked.whole = asked.whole or len(names) > 1
        for defined in (self.configuration.variables.get(name) for name in names):
            pattern = pattern_of(defined.value) if defined is not None else None
            if pattern is not None:
                for name in names:
                    self._variable(name).patterns[pattern] = None
        self.found.links.extend(pairwise(names))


def variables(node: Node) -> list[str]:
    """Return the names of the variables in an expression, each once."""
    return list(dict.fromkeys(each.name for each in _parts(node) if isinstance(each, Variable)))


def _literals(node: Node) -> list[Literal]:
    return [each for each in _parts(node) if isinstance(each, Literal)]


def _parts(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(current.parts))
