"""Reports as they arrive, checked: nothing past this module sees raw JSON."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from servicekit import Problem

VEHICLE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
AHEAD_SECONDS = 60.0
PAIR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Where vehicles were at one moment: epoch seconds; vehicle → (longitude, latitude) in degrees."""

    at: float
    positions: dict[str, tuple[float, float]]


def parse_report(body: Any, now: float) -> Report:
    """The report in a JSON body `{"at": …, "positions": {"v-0001": [lon, lat], …}}`.

    Raises Problem 422 with a pointer to the first value that is wrong.
    """
    if not isinstance(body, dict) or body.keys() != {"at", "positions"}:
        raise _wrong("", "a report is an object with the keys at and positions")
    at = body["at"]
    if not _is_number(at) or not 0 <= at <= now + AHEAD_SECONDS:
        raise _wrong("/at", "epoch seconds, not in the future")
    positions = body["positions"]
    if not isinstance(positions, dict):
        raise _wrong("/positions", "an object: vehicle to longitude and latitude")
    for vehicle, place in positions.items():
        if not VEHICLE.fullmatch(vehicle):
            raise _wrong("/positions", "a vehicle's name is 1 to 32 of a-z, 0-9 and -")
        if not isinstance(place, list) or len(place) != PAIR or not _is_place(*place):
            raise _wrong(f"/positions/{vehicle}", "longitude (-180 to 180) and latitude (-90 to 90)")
    return Report(at=float(at), positions={vehicle: (lon, lat) for vehicle, (lon, lat) in positions.items()})


def _is_place(lon: Any, lat: Any) -> bool:
    return _is_number(lon) and _is_number(lat) and -180 <= lon <= 180 and -90 <= lat <= 90


def _is_number(value: Any) -> bool:
    return (type(value) is float and math.isfinite(value)) or type(value) is int


def _wrong(pointer: str, expected: str) -> Problem:
    return Problem(422, f"expected {expected}", pointer=pointer)
