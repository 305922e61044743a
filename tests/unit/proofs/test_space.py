"""Boxes hold the events they should: put together, met, and split."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcci.check.proofs.space import Box, Dimension, Point, answers, compact, holds, meet, points, question

DIMENSIONS = (
    Dimension("a colour", ("red", "green", "blue")),
    Dimension("a size", (1, 2)),
    Dimension("a shape", ("round", "square", "long", "flat")),
    Dimension("a switch", (False, True)),
)
EVERY = list(points(DIMENSIONS))


@st.composite
def box(draw: st.DrawFn) -> Box:
    """Return a box over some of the dimensions; none of them is full or empty in it."""
    used = draw(st.sets(st.integers(0, len(DIMENSIONS) - 1)))
    return {DIMENSIONS[index]: draw(st.integers(1, DIMENSIONS[index].full - 1)) for index in sorted(used)}


def held(boxes: list[Box]) -> list[Point]:
    """Return the points of some boxes."""
    return [point for point in EVERY if any(holds(each, point) for each in boxes)]


@given(st.lists(box(), max_size=12))
def test_compact(boxes: list[Box]) -> None:
    """Boxes put together hold the same points, are no more, and name no dimension that is open."""
    found = compact(boxes)
    assert held(found) == held(boxes)
    assert len(found) <= len(boxes)
    assert all(mask not in (0, dimension.full) for each in found for dimension, mask in each.items())


def test_compact_to_one() -> None:
    """All the values of a dimension, a box each, are one box that leaves the dimension open."""
    colour, size = DIMENSIONS[:2]
    assert compact([{colour: 1, size: 1}, {colour: 2, size: 1}, {colour: 4, size: 1}]) == [{size: 1}]


@given(box(), box())
def test_meet(one: Box, other: Box) -> None:
    """A meeting holds the points that are in both boxes; there is none where there are no such points."""
    both = meet(one, other)
    common = [point for point in held([one]) if holds(other, point)]
    assert held([both] if both is not None else []) == common
    assert (both is None) is (not common)


@given(box(), st.lists(st.integers(0, 2), min_size=len(EVERY), max_size=len(EVERY)))
def test_answers(asked: Box, numbers: list[int]) -> None:
    """A box is split into parts that do not overlap, hold all its points, and have the answer of each point."""
    known = {tuple(point.values()): number for point, number in zip(EVERY, numbers, strict=True)}
    tree = question(DIMENSIONS, lambda point: known[tuple(point.values())])
    parts = list(answers(asked, tree))
    for point in EVERY:
        here = [answer for part, answer in parts if holds(part, point)]
        assert here == ([known[tuple(point.values())]] if holds(asked, point) else [])
