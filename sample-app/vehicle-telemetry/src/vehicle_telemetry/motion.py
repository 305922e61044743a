"""Speed, heading and distance from successive positions. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

METRES_PER_DEGREE = 111_320.0
FASTEST = 90.0
STANDING = 0.3
SMOOTHING_SECONDS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """A vehicle's motion: degrees, epoch seconds, metres a second, compass degrees (0 north, 90 east), metres."""

    lon: float
    lat: float
    at: float
    speed: float = 0.0
    heading: float = 0.0
    distance: float = 0.0


def advance(before: Motion, lon: float, lat: float, at: float) -> Motion:
    """`before` with one more position. A position no newer is left out; a jump starts afresh, distance kept.

    Speed is smoothed over about a second and a half, since positions are rounded to a tenth of a metre.
    """
    seconds = at - before.at
    if seconds <= 0:
        return before
    east = _turn(lon - before.lon) * METRES_PER_DEGREE * math.cos(math.radians((lat + before.lat) / 2))
    north = (lat - before.lat) * METRES_PER_DEGREE
    metres = math.hypot(east, north)
    if metres / seconds > FASTEST:
        return Motion(lon=lon, lat=lat, at=at, heading=before.heading, distance=before.distance)
    share = 1 - math.exp(-seconds / SMOOTHING_SECONDS)
    first = before.distance == 0 and before.speed == 0
    speed = metres / seconds if first else before.speed + (metres / seconds - before.speed) * share
    heading = math.degrees(math.atan2(east, north)) % 360 if metres > STANDING else before.heading
    return Motion(lon=lon, lat=lat, at=at, speed=speed, heading=heading, distance=before.distance + metres)


def _turn(degrees: float) -> float:
    """A difference of longitudes, the short way round."""
    return (degrees + 180) % 360 - 180
