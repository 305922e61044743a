"""A town made from a seed: curved streets and avenues that cross, blocks between them, a river and a few parks.

Distances are metres east (x) and north (y) of the town's middle. Pure: same seed, same town.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from random import Random

Point = tuple[float, float]

COLUMNS, ROWS = 11, 9
BLOCK = 240.0
JITTER = 62.0
CURVE_STEPS = 6
AVENUE_EVERY = 3
MISSING_STREETS = 0.22
PARKS = 9

EASTWARD = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy")
NORTHWARD = (
    "Anchor",
    "Bell",
    "Copper",
    "Drum",
    "Ember",
    "Fountain",
    "Garden",
    "Harbour",
    "Iron",
    "Juniper",
    "Kiln",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A stretch of road between two crossings, one way: each stretch exists in both."""

    start: int
    end: int
    points: tuple[Point, ...]
    cumulative: tuple[float, ...]
    metres_per_second: float

    @property
    def length(self) -> float:
        """Metres from crossing to crossing along the curve."""
        return self.cumulative[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """A stretch as it is drawn: its street's name, its class, its curve."""

    name: str
    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Everything that is drawn, and the edges that lead away from each crossing."""

    roads: tuple[Road, ...]
    leaving: tuple[tuple[Edge, ...], ...]
    river: tuple[Point, ...]
    parks: tuple[tuple[Point, ...], ...]
    blocks: tuple[tuple[Point, ...], ...]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every edge, in a fixed order."""
        return tuple(edge for edges in self.leaving for edge in edges)


def make_town(seed: int) -> Town:
    """The town of this seed. Every crossing can be reached from every other; no road ends blind."""
    random = Random(seed)
    crossings = _crossings(random)
    stretches = _stretches(crossings)
    kept = _without_some(stretches, random)
    leaving: list[list[Edge]] = [[] for _ in crossings]
    for (start, end), road in kept.items():
        speed = (15.0 if road.kind == "avenue" else 9.5) * random.uniform(0.9, 1.1)
        leaving[start].append(_edge(start, end, road.points, speed))
        leaving[end].append(_edge(end, start, road.points[::-1], speed))
    blocks = _blocks(crossings)
    green = set(random.sample(range(len(blocks)), PARKS))
    return Town(
        roads=tuple(kept.values()),
        leaving=tuple(tuple(edges) for edges in leaving),
        river=_river(random),
        parks=tuple(block for number, block in enumerate(blocks) if number in green),
        blocks=tuple(block for number, block in enumerate(blocks) if number not in green),
    )


def _crossings(random: Random) -> list[Point]:
    left, bottom = -BLOCK * (COLUMNS - 1) / 2, -BLOCK * (ROWS - 1) / 2
    return [
        (
            left + column * BLOCK + random.uniform(-JITTER, JITTER),
            bottom + row * BLOCK + random.uniform(-JITTER, JITTER),
        )
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]


def _stretches(crossings: list[Point]) -> dict[tuple[int, int], Road]:
    """Each stretch between neighbouring crossings, curved so that the whole street is smooth."""
    stretches: dict[tuple[int, int], Road] = {}
    for row in range(ROWS):
        line = [row * COLUMNS + column for column in range(COLUMNS)]
        kind = "avenue" if row % AVENUE_EVERY == 0 else "street"
        _add_street(stretches, crossings, line, f"{EASTWARD[row]} {kind.title()}", kind)
    for column in range(COLUMNS):
        line = [row * COLUMNS + column for row in range(ROWS)]
        kind = "avenue" if column % AVENUE_EVERY == 0 else "street"
        _add_street(stretches, crossings, line, f"{NORTHWARD[column]} {kind.title()}", kind)
    return stretches


def _add_street(
    stretches: dict[tuple[int, int], Road], crossings: list[Point], line: list[int], name: str, kind: str
) -> None:
    for index in range(len(line) - 1):
        around = [line[max(0, min(len(line) - 1, index + offset))] for offset in (-1, 0, 1, 2)]
        curve = _catmull_rom(*(crossings[node] for node in around))
        stretches[line[index], line[index + 1]] = Road(name=name, kind=kind, points=curve)


def _catmull_rom(before: Point, start: Point, end: Point, after: Point) -> tuple[Point, ...]:
    """The curve from `start` to `end` that goes on smoothly from `before` and to `after`."""

    def at(t: float, axis: int) -> float:
        a, b, c, d = before[axis], start[axis], end[axis], after[axis]
        return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)

    return tuple((at(step / CURVE_STEPS, 0), at(step / CURVE_STEPS, 1)) for step in range(CURVE_STEPS + 1))


def _without_some(stretches: dict[tuple[int, int], Road], random: Random) -> dict[tuple[int, int], Road]:
    """`stretches` less some streets, never one that would part the town or leave a blind end."""
    kept = dict(stretches)
    for pair, road in stretches.items():
        if road.kind == "street" and random.random() < MISSING_STREETS:
            rest = {other: kept[other] for other in kept if other != pair}
            if _degree(rest, pair[0]) > 1 and _degree(rest, pair[1]) > 1 and _connected(rest):
                kept = rest
    return kept


def _degree(pairs: dict[tuple[int, int], Road], node: int) -> int:
    return sum(node in pair for pair in pairs)


def _connected(pairs: dict[tuple[int, int], Road]) -> bool:
    neighbours: dict[int, list[int]] = {}
    for start, end in pairs:
        neighbours.setdefault(start, []).append(end)
        neighbours.setdefault(end, []).append(start)
    seen, waiting = {0}, [0]
    while waiting:
        fresh = [node for node in neighbours[waiting.pop()] if node not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return len(seen) == COLUMNS * ROWS


def _edge(start: int, end: int, points: tuple[Point, ...], speed: float) -> Edge:
    cumulative = [0.0]
    for (x, y), (next_x, next_y) in itertools.pairwise(points):
        cumulative.append(cumulative[-1] + math.hypot(next_x - x, next_y - y))
    return Edge(start=start, end=end, points=points, cumulative=tuple(cumulative), metres_per_second=speed)


def _river(random: Random) -> tuple[Point, ...]:
    """A winding line from south to north, right of the middle."""
    base, phase = BLOCK * random.uniform(1.2, 2.0), random.uniform(0, math.tau)
    return tuple(
        (base + BLOCK * 0.75 * math.sin(phase + step / 9) + step * 5.0, step * BLOCK / 4) for step in range(-48, 49)
    )


def _blocks(crossings: list[Point]) -> list[tuple[Point, ...]]:
    """The ground between four crossings each, a little smaller than they would allow."""
    blocks = []
    for first in (row * COLUMNS + column for row in range(ROWS - 1) for column in range(COLUMNS - 1)):
        corners = [crossings[node] for node in (first, first + 1, first + COLUMNS + 1, first + COLUMNS)]
        middle_x, middle_y = sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4
        blocks.append(tuple((middle_x + (x - middle_x) * 0.8, middle_y + (y - middle_y) * 0.8) for x, y in corners))
    return blocks
