"""Where on Earth the made-up town lies, and the town as the page draws it: longitudes and latitudes."""

from __future__ import annotations

import math
from typing import Any

from position_simulator.roads import Point, Town

MIDDLE_LON, MIDDLE_LAT = 7.6869, 45.0703
METRES_PER_DEGREE_LAT = 111_320.0
METRES_PER_DEGREE_LON = METRES_PER_DEGREE_LAT * math.cos(math.radians(MIDDLE_LAT))


def to_degrees(points: tuple[Point, ...]) -> list[float]:
    """Metres as longitude, latitude, longitude, latitude …, to a tenth of a metre."""
    flat = []
    for x, y in points:
        flat += [round(MIDDLE_LON + x / METRES_PER_DEGREE_LON, 6), round(MIDDLE_LAT + y / METRES_PER_DEGREE_LAT, 6)]
    return flat


def town_as_json(town: Town) -> dict[str, Any]:
    """The map: `roads` (name, kind, points), `river`, `parks`, `blocks`, and `bounds` as west, south, east, north."""
    every = [to_degrees(road.points) for road in town.roads]
    lons, lats = [lon for points in every for lon in points[::2]], [lat for points in every for lat in points[1::2]]
    return {
        "bounds": [min(lons), min(lats), max(lons), max(lats)],
        "roads": [
            {"name": road.name, "kind": road.kind, "points": points}
            for road, points in zip(town.roads, every, strict=True)
        ],
        "river": to_degrees(town.river),
        "parks": [to_degrees(park) for park in town.parks],
        "blocks": [to_degrees(block) for block in town.blocks],
    }
