"""The tracker's memory: latest positions and trails, all of it bounded."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from position_tracker.reports import Report
from servicekit import Latest

MICRO = 1_000_000


class TooManyVehicles(Exception):
    """A report would take the number of vehicles past the limit; nothing of it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a vehicle was: degrees, and epoch seconds."""

    lon: float
    lat: float
    at: float


class Tracker:
    """Positions by vehicle. `frames` holds the newest frame for those who follow the whole fleet.

    A frame is JSON: `fleet` (a hash of the vehicles' names in order: who has seen another asks for them again),
    `at`, and `positions`, two whole micro-degrees a vehicle, in the order of the names. A thousand vehicles take 20 KB.
    """

    def __init__(self, *, most_vehicles: int, trail_points: int, trail_seconds: float, forget_seconds: float) -> None:
        self.frames: Latest[bytes] = Latest()
        self.fleet = ""
        self._most_vehicles = most_vehicles
        self._trail_points = trail_points
        self._trail_seconds = trail_seconds
        self._forget_seconds = forget_seconds
        self._positions: dict[str, Position] = {}
        self._trails: dict[str, deque[Position]] = {}
        self._name_fleet()

    @property
    def vehicles(self) -> list[str]:
        """Names in the order of a frame's positions."""
        return list(self._positions)

    def position(self, vehicle: str) -> Position | None:
        """The latest position, or None for a vehicle never heard of or forgotten."""
        return self._positions.get(vehicle)

    def trail(self, vehicle: str) -> list[Position]:
        """Earlier positions, oldest first."""
        return list(self._trails.get(vehicle, ()))

    def record(self, report: Report) -> None:
        """Take a report; what is older than what is known of a vehicle is left out. Raises TooManyVehicles."""
        fresh = report.positions.keys() - self._positions.keys()
        if len(self._positions) + len(fresh) > self._most_vehicles:
            raise TooManyVehicles
        for vehicle, (lon, lat) in report.positions.items():
            known = self._positions.get(vehicle)
            if known is None or report.at > known.at:
                self._place(vehicle, Position(lon=lon, lat=lat, at=report.at))
        forgotten = self._forget(report.at)
        if fresh or forgotten:
            self._name_fleet()
        self.frames.set(self._frame(report.at))

    def _place(self, vehicle: str, position: Position) -> None:
        self._positions[vehicle] = position
        trail = self._trails.get(vehicle)
        if trail is None:
            trail = self._trails[vehicle] = deque(maxlen=self._trail_points)
        if not trail or position.at - trail[-1].at >= self._trail_seconds:
            trail.append(position)

    def _forget(self, now: float) -> bool:
        limit = now - self._forget_seconds
        old = [vehicle for vehicle, position in self._positions.items() if position.at < limit]
        for vehicle in old:
            del self._positions[vehicle], self._trails[vehicle]
        return bool(old)

    def _name_fleet(self) -> None:
        self.fleet = hashlib.sha256("\n".join(self._positions).encode()).hexdigest()[:12]

    def _frame(self, at: float) -> bytes:
        flat: list[int] = []
        for position in self._positions.values():
            flat += (round(position.lon * MICRO), round(position.lat * MICRO))
        frame: dict[str, Any] = {"fleet": self.fleet, "at": at, "positions": flat}
        return json.dumps(frame, separators=(",", ":")).encode()
