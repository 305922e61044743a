"""Sets of events as boxes: for each thing that an event decides, the values it may still have.

A proof never lists events. What is not decided yet is left open, and a question splits a box only into as many parts
as there are different answers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypeAlias

MAX_BOXES = 2_000
MAX_POINTS = 200_000


class TooMany(Exception):
    """A proof that would take more time or memory than mcci allows itself. `str()` says of what there is too much."""


@dataclass(frozen=True, slots=True, eq=False)
class Dimension:
    """One thing that an event decides: its `name`, and the values it can have, the plainest first."""

    name: str
    values: tuple[Any, ...]

    @property
    def full(self) -> int:
        """Return the set of all values, a bit each."""
        return (1 << len(self.values)) - 1


Box: TypeAlias = "Mapping[Dimension, int]"
"""For each dimension the values still possible, as bits; a dimension that is not in it may have any value."""
ALL: Box = {}
Point: TypeAlias = "Mapping[Dimension, Any]"


def meet(one: Box, other: Box) -> Box | None:
    """Return what both boxes hold, or None when that is nothing."""
    if not other or one is other:
        return one
    if not one:
        return other
    both = dict(one)
    for dimension, values in other.items():
        common = both.get(dimension, values) & values
        if not common:
            return None
        both[dimension] = common
    return both


def meetings(some: Iterable[Box], others: Sequence[Box]) -> list[Box]:
    """Return every non-empty meeting of one of `some` with one of `others`. Raises `TooMany`."""
    found: list[Box] = []
    for one in some:
        found.extend(both for other in others if (both := meet(one, other)) is not None)
        bounded(found)
    return found


def bounded(boxes: Sequence[object]) -> None:
    """Raise `TooMany` when there are more boxes than a proof may look at."""
    if len(boxes) > MAX_BOXES:
        raise TooMany(f"more than {MAX_BOXES:,} kinds of events to tell apart")


def bits(dimension: Dimension, wanted: Callable[[Any], bool]) -> int:
    """Return the values of a dimension that are wanted, as bits."""
    return sum(1 << index for index, value in enumerate(dimension.values) if wanted(value))


def allowed(box: Box, dimension: Dimension) -> Iterator[Any]:
    """Yield the values that a dimension may have in a box, the plainest first."""
    mask = box.get(dimension, dimension.full)
    return (value for index, value in enumerate(dimension.values) if mask >> index & 1)


def compact(boxes: Sequence[Box]) -> list[Box]:
    """Return the same events in fewer boxes: those that differ in one dimension only are put together."""
    alive = {frozenset(box.items()): box for box in boxes}
    having: dict[Dimension, list[Box]] = {}
    for box in alive.values():
        for dimension in box:
            having.setdefault(dimension, []).append(box)
    for dimension, some in having.items():
        groups: dict[frozenset[tuple[Dimension, int]], dict[frozenset[tuple[Dimension, int]], Box]] = {}
        for box in some:
            key = frozenset(box.items())
            if key in alive:
                groups.setdefault(key - {(dimension, box[dimension])}, {})[key] = box
        for rest, alike in groups.items():
            mask = dimension.full if rest in alive else 0
            for box in alike.values():
                mask |= box[dimension]
            if mask != dimension.full and len(alike) == 1:
                continue
            merged = {key: value for key, value in next(iter(alike.values())).items() if key is not dimension}
            if mask != dimension.full:
                merged[dimension] = mask
            for key in alike:
                del alive[key]
            alive[frozenset(merged.items())] = merged
            for other in merged:
                if other is not dimension:
                    having[other].append(merged)
    return list(alive.values())


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's answer, the same in the whole box."""

    value: Hashable


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer depends on a dimension: for each set of its values what is to be asked next."""

    dimension: Dimension
    parts: tuple[tuple[int, Question | Answer], ...]


def question(dimensions: Sequence[Dimension], ask: Callable[[Point], Hashable]) -> Question | Answer:
    """Return `ask`, a function of the values of `dimensions`, as a tree that tells apart only what differs.

    Raises `TooMany` where it would have to be asked too often.
    """
    if prod(len(dimension.values) for dimension in dimensions) > MAX_POINTS:
        names = ", ".join(dimension.name for dimension in dimensions)
        raise TooMany(f"more than {MAX_POINTS:,} combinations of {names}")
    return _question(tuple(dimensions), {}, ask)


def _question(
    dimensions: tuple[Dimension, ...], point: dict[Dimension, Any], ask: Callable[[Point], Hashable]
) -> Question | Answer:
    if not dimensions:
        return Answer(ask(point))
    first, *rest = dimensions
    parts: dict[Question | Answer, int] = {}
    for index, value in enumerate(first.values):
        part = _question(tuple(rest), {**point, first: value}, ask)
        parts[part] = parts.get(part, 0) | 1 << index
    if len(parts) == 1:
        return next(iter(parts))
    return Question(first, tuple((mask, part) for part, mask in parts.items()))


def answers(box: Box, asked: Question | Answer) -> Iterator[tuple[Box, Any]]:
    """Yield the parts of a box, each with its answer."""
    if isinstance(asked, Answer):
        yield box, asked.value
        return
    here = box.get(asked.dimension, asked.dimension.full)
    for mask, part in asked.parts:
        common = here & mask
        if common:
            yield from answers(box if common == here else {**box, asked.dimension: common}, part)


def points(dimensions: Sequence[Dimension]) -> Iterator[Point]:
    """Yield every combination of values; for tests of small spaces."""
    for values in product(*(dimension.values for dimension in dimensions)):
        yield dict(zip(dimensions, values, strict=True))


def holds(box: Box, point: Point) -> bool:
    """Say whether a point, with a value for each dimension, is in a box."""
    return all(mask >> dimension.values.index(point[dimension]) & 1 for dimension, mask in box.items())
