"""The vehicles: where each is after so many seconds, decided by the seed alone."""

from __future__ import annotations

from bisect import bisect_right

from position_simulator.geography import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON, MIDDLE_LAT, MIDDLE_LON
from position_simulator.roads import Edge, Town

CROSSING_METRES = 40.0
CROSSING_SPEED = 0.45


class Vehicle:
    """One vehicle: the stretch it is on and how far along. Mutable: it is moved many times a second."""

    __slots__ = ("_pace", "_route", "_turns", "edge", "name", "offset")

    def __init__(self, name: str, edge: Edge, offset: float, route: int) -> None:
        self.name = name
        self.edge = edge
        self.offset = offset
        self._route = route
        self._turns = 0
        self._pace = 0.8 + 0.4 * (_mix(route, 1) % 1000) / 1000

    def move(self, seconds: float, town: Town) -> None:
        """Drive on, slower near crossings, and turn at each into a road chosen by the route's number."""
        edge = self.edge
        to_crossing = min(self.offset, edge.length - self.offset)
        ease = CROSSING_SPEED + (1 - CROSSING_SPEED) * min(1.0, to_crossing / CROSSING_METRES)
        self.offset += edge.metres_per_second * self._pace * ease * seconds
        while self.offset >= self.edge.length:
            self.offset -= self.edge.length
            self.edge = self._turn(town)

    def _turn(self, town: Town) -> Edge:
        self._turns += 1
        here = self.edge
        onward = [edge for edge in town.leaving[here.end] if edge.end != here.start]
        return onward[_mix(self._route, self._turns) % len(onward)]

    def place(self) -> tuple[float, float]:
        """Metres east and north of the town's middle."""
        edge = self.edge
        index = min(bisect_right(edge.cumulative, self.offset), len(edge.points) - 1)
        before = edge.cumulative[index - 1]
        share = (self.offset - before) / (edge.cumulative[index] - before)
        (x, y), (next_x, next_y) = edge.points[index - 1], edge.points[index]
        return x + (next_x - x) * share, y + (next_y - y) * share


class Fleet:
    """All vehicles in a town."""

    def __init__(self, town: Town, count: int, seed: int) -> None:
        self._town = town
        edges = town.edges
        self.vehicles: list[Vehicle] = []
        for number in range(1, count + 1):
            route = _mix(seed + 1, number)
            edge = edges[route % len(edges)]
            offset = edge.length * (_mix(route, 0) % 1000) / 1000
            self.vehicles.append(Vehicle(f"v-{number:04d}", edge, offset, route))

    def move(self, seconds: float) -> None:
        """Let `seconds` pass."""
        for vehicle in self.vehicles:
            vehicle.move(seconds, self._town)

    def positions(self) -> dict[str, tuple[float, float]]:
        """Longitude and latitude of each vehicle, degrees, to a tenth of a metre."""
        positions = {}
        for vehicle in self.vehicles:
            x, y = vehicle.place()
            lon = round(MIDDLE_LON + x / METRES_PER_DEGREE_LON, 6)
            positions[vehicle.name] = (lon, round(MIDDLE_LAT + y / METRES_PER_DEGREE_LAT, 6))
        return positions


def _mix(first: int, second: int) -> int:
    """A number that looks random and is the same on every machine (Python's own hash is not)."""
    value = (first * 0x9E3779B97F4A7C15 + second * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 31)
