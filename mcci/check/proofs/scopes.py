"""The variables that the rules of one pipeline see: what decides each, and its value once that is decided.

The order is the simulation's: given to the pipeline, set in the project, the job's, the configuration's, predefined.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mcci.check.proofs.event_space import EventSpace
from mcci.check.proofs.space import Answer, Dimension, Point, Question
from mcci.pipeline.variables import Variable, expand, nested, references


@dataclass(frozen=True, slots=True)
class Passed:
    """A variable that a trigger job passes on: a text, filled in by what the pipeline above sees unless it is `raw`."""

    text: str
    above: Scope
    raw: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scope:
    """The variables of a pipeline, or with `own` ones those of a job in it."""

    space: EventSpace
    child: bool = False
    passed: Mapping[str, Passed] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)
    of_job: Mapping[str, str] = field(default_factory=dict)
    raw: frozenset[str] = frozenset()
    questions: dict[Hashable, Question | Answer] = field(default_factory=dict, repr=False)

    def decided_by(self, name: str) -> Iterator[Dimension]:
        """Yield the dimensions that decide a variable."""
        if name in self.passed:
            passed = self.passed[name]
            if not passed.raw:
                yield from passed.above.decided_by_text(passed.text)
            return
        if not self.space.decides(name):
            yield from self.space.set_by_people(name, child=self.child)
        if self._defined(name) is None:
            yield from self.space.predefined_by(name)

    def decided_by_text(self, text: str) -> Iterator[Dimension]:
        """Yield the dimensions that decide what a text becomes, its variables, and those in theirs, filled in."""
        seen: set[str] = set()
        waiting = references(Variable(key="", value=text))
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            yield from self.decided_by(name)
            waiting.extend(references(Variable(key="", value=self._defined(name) or "")))

    def at(self, point: Point) -> Callable[[str], str | None]:
        """Return the look-up of variables at a point that has all that decides those looked up."""
        return lambda name: self.value(name, point)

    def value(self, name: str, point: Point) -> str | None:
        """Return a variable's value, unexpanded, at a point that has all that decides it."""
        if name in self.passed:
            passed = self.passed[name]
            return passed.text if passed.raw else passed.above.fill(passed.text, point)
        if not self.space.decides(name):
            value = self.space.set_value(name, point, child=self.child)
            if value is not None:
                return value
        defined = self._defined(name)
        return self.space.predefined(name, point, child=self.child) if defined is None else defined

    def fill(self, text: str, point: Point) -> str:
        """Return a text with its variables, and those in their values, filled in."""
        return expand(text, nested(self.at(point), self.raw.__contains__))

    def _defined(self, name: str) -> str | None:
        for layer in (self.own, self.inherited, self.of_job):
            value = layer.get(name)
            if value is not None:
                return value
        return None


def distinct(dimensions: Iterable[Dimension]) -> tuple[Dimension, ...]:
    """Return each dimension once."""
    return tuple(dict.fromkeys(dimensions))
