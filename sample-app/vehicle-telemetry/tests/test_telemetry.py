"""Telemetry: speed, heading and distance from positions, and the fleet that follows the tracker."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

from servicekit import Answer, Service, load_settings
from servicekit.testing import AppClient, Call, FakeBackend, answering
from vehicle_telemetry.app import build, describe
from vehicle_telemetry.fleet import Fleet
from vehicle_telemetry.motion import METRES_PER_DEGREE, Motion, advance
from vehicle_telemetry.settings import Settings


def drive(east: float, north: float, *, seconds: int = 20, lat: float = 0.0) -> Motion:
    """The motion after driving so many metres a second east and north."""
    motion = Motion(lon=0, lat=lat, at=0)
    for second in range(1, seconds + 1):
        lon = east * second / METRES_PER_DEGREE / math.cos(math.radians(lat))
        motion = advance(motion, lon, lat + north * second / METRES_PER_DEGREE, second)
    return motion


@pytest.mark.parametrize(
    ("east", "north", "heading"), [(10, 0, 90), (0, 10, 0), (-10, 0, 270), (0, -10, 180), (7, 7, 45)]
)
def test_steady_driving(east: float, north: float, heading: float) -> None:
    """Ten metres a second are 36 km/h, with the heading of a compass, at the equator and at 60° north."""
    for lat in (0.0, 60.0):
        motion = drive(east, north, lat=lat)
        speed = math.hypot(east, north)
        assert motion.speed == pytest.approx(speed, rel=1e-3)
        assert motion.heading == pytest.approx(heading, abs=0.1)
        assert motion.distance == pytest.approx(speed * 20, rel=1e-3)


def test_standing_still_keeps_the_heading_and_loses_the_speed() -> None:
    """A vehicle that stops slows to nothing and goes on looking where it went."""
    motion = drive(10, 0)
    for second in range(21, 41):
        motion = advance(motion, motion.lon, motion.lat, second)
    assert motion.speed < 0.1
    assert motion.heading == pytest.approx(90)


def test_a_jump_is_no_journey() -> None:
    """A position too far to have been driven starts afresh: no distance, no speed."""
    motion = drive(10, 0)
    after = advance(motion, 50.0, 10.0, 21)
    assert (after.speed, after.distance) == (0, motion.distance)


def test_positions_out_of_order_are_left_out() -> None:
    """A position no newer than the last changes nothing."""
    motion = drive(10, 0)
    assert advance(motion, 1.0, 1.0, 20) is motion


def test_the_date_line_is_no_wall() -> None:
    """From 179.9999° east to 179.9999° west is 22 metres."""
    motion = advance(Motion(lon=179.9999, lat=0, at=0), -179.9999, 0, 1)
    assert motion.distance == pytest.approx(22.26, abs=0.1)
    assert motion.heading == pytest.approx(90)


def test_describe_uses_the_readers_units() -> None:
    """km/h, whole degrees below 360, kilometres."""
    motion = Motion(lon=0, lat=0, at=5, speed=10, heading=359.7, distance=1234.5)
    assert describe(motion) == {"speed_kmh": 36.0, "heading_degrees": 0, "distance_km": 1.234, "at": 5}


class FakeTracker:
    """A tracker that serves names and frames made by a test."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"fleet": "f1", "vehicles": ["a", "b"]}
        self.asked_for_names = 0
        self.backend = FakeBackend("position-tracker", self.answer)

    def answer(self, call: Call) -> Answer:
        """The names."""
        assert call.path == "/vehicles"
        self.asked_for_names += 1
        return answering(self.names)(call)


def test_names_are_asked_for_only_when_the_fleet_changes() -> None:
    """Frames of one fleet need its names once; a vehicle that leaves is forgotten after a while."""
    tracker = FakeTracker()
    fleet = Fleet(tracker.backend, interval=0, forget_seconds=10)

    async def main() -> None:
        await fleet.measure({"fleet": "f1", "at": 1, "positions": [0, 0, 100, 100]})
        await fleet.measure({"fleet": "f1", "at": 2, "positions": [10, 0, 100, 100]})
        assert set(fleet.motions) == {"a", "b"}
        tracker.names = {"fleet": "f2", "vehicles": ["b"]}
        await fleet.measure({"fleet": "f2", "at": 20, "positions": [100, 100]})

    asyncio.run(main())
    assert tracker.asked_for_names == 2
    assert set(fleet.motions) == {"b"}


def test_names_newer_than_the_frame_wait_for_the_next() -> None:
    """When names and frame are of different fleets, no vehicle gets another's position."""
    tracker = FakeTracker()
    fleet = Fleet(tracker.backend, interval=0, forget_seconds=10)
    asyncio.run(fleet.measure({"fleet": "older", "at": 1, "positions": [0, 0]}))
    assert fleet.motions == {}


def test_garbage_from_the_tracker_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A frame that is not one is logged and does not stop the following."""
    bodies = [b"nonsense", b"[]", json.dumps({"fleet": "f1", "at": 1, "positions": [1, 1, 2, 2]}).encode()]

    def answer(call: Call) -> Answer:
        if call.path == "/vehicles":
            return answering({"fleet": "f1", "vehicles": ["a", "b"]})(call)
        return Answer(status=200, body=bodies.pop(0)) if bodies else Answer(status=204)

    async def main() -> None:
        tracker = FakeBackend("position-tracker", answer)
        fleet = Fleet(tracker, interval=0.001, forget_seconds=10)
        async with Service.create("t", Settings()).lifecycle.background(fleet.run()):
            while not fleet.motions:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert [record.message for record in caplog.records].count(
        "frame left out: it is not what position-tracker sends"
    ) == 2


def test_without_a_tracker_it_serves_and_knows_nobody() -> None:
    """While the tracker is lost, answers are 404 and an empty summary, not errors."""
    settings = Settings(tracker_url="http://127.0.0.1:1")
    with AppClient(build(Service.create("vehicle-telemetry", settings), settings)) as client:
        assert client.get("/telemetry/v-0001").status_code == 404
        assert client.get("/telemetry").json() == {"vehicles": 0, "mean_speed_kmh": 0.0}
    client.close()


@pytest.mark.parametrize("profile", ["local", "stage", "production"])
def test_profiles_are_valid(profile: str) -> None:
    """Every profile that ships can be loaded."""
    assert load_settings(Settings, "vehicle_telemetry", {"PROFILE": profile}).tracker_url
