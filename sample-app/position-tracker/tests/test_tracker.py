"""The tracker: what it takes, keeps, forgets and refuses."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from position_tracker.app import build
from position_tracker.reports import Report
from position_tracker.settings import Settings
from position_tracker.tracker import TooManyVehicles, Tracker
from servicekit import Service, load_settings
from servicekit.testing import AppClient


@pytest.fixture
def client() -> Iterator[AppClient]:
    """A client of a tracker of at most three vehicles."""
    settings = Settings(most_vehicles=3, max_body_bytes=2000)
    with AppClient(build(Service.create("position-tracker", settings), settings)) as client:
        yield client
    client.close()


def make_tracker(**changes: Any) -> Tracker:
    """A tracker with small limits."""
    limits = {"most_vehicles": 10, "trail_points": 3, "trail_seconds": 1.0, "forget_seconds": 10.0}
    return Tracker(**{**limits, **changes})


def report(at: float, **positions: tuple[float, float]) -> Report:
    """A report of these vehicles."""
    return Report(at=at, positions=positions)


def test_a_report_becomes_position_trail_and_frame(client: AppClient) -> None:
    """What is posted can be read as a vehicle, in the fleet's names and as a frame of micro-degrees."""
    at = round(time.time(), 3)
    body = {"at": at, "positions": {"v-0001": [7.5, 45.25], "v-0002": [-7, 45]}}
    assert client.post("/positions", json=body).status_code == 204
    assert client.get("/vehicles/v-0001").json() == {
        "vehicle": "v-0001",
        "position": [7.5, 45.25, at],
        "trail": [[7.5, 45.25, at]],
    }
    names = client.get("/vehicles").json()
    frame = client.get("/positions")
    assert names["vehicles"] == ["v-0001", "v-0002"]
    assert frame.json() == {"fleet": names["fleet"], "at": at, "positions": [7500000, 45250000, -7000000, 45000000]}
    assert client.get(f"/positions?after={frame.headers['x-revision']}").status_code == 204


def test_no_frame_before_the_first_report(client: AppClient) -> None:
    """A follower that is early gets 204, at once or after its wait."""
    assert client.get("/positions").status_code == 204
    assert client.get("/positions?after=-1&wait=0.02").status_code == 204


NOW = 1000.0
WRONG: dict[str, tuple[Any, str]] = {
    "a list": ([], ""),
    "a key too many": ({"at": NOW, "positions": {}, "x": 1}, ""),
    "no positions": ({"at": NOW}, ""),
    "time as text": ({"at": "now", "positions": {}}, "/at"),
    "time in the future": ({"at": time.time() + 3600, "positions": {}}, "/at"),
    "negative time": ({"at": -1, "positions": {}}, "/at"),
    "time true": ({"at": True, "positions": {}}, "/at"),
    "positions as a list": ({"at": NOW, "positions": []}, "/positions"),
    "an impossible name": ({"at": NOW, "positions": {"V 1": [1, 1]}}, "/positions"),
    "a place of three": ({"at": NOW, "positions": {"v-1": [1, 2, 3]}}, "/positions/v-1"),
    "a latitude of 91": ({"at": NOW, "positions": {"v-1": [1, 91]}}, "/positions/v-1"),
    "a longitude of -181": ({"at": NOW, "positions": {"v-1": [-181, 1]}}, "/positions/v-1"),
    "a huge number": ({"at": NOW, "positions": {"v-1": [10**400, 1]}}, "/positions/v-1"),
    "text for a number": ({"at": NOW, "positions": {"v-1": ["1", 1]}}, "/positions/v-1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_reports_are_refused_with_a_pointer(client: AppClient, case: str) -> None:
    """A report that is not one is refused with 422 and the place of the first wrong value; nothing is kept."""
    body, pointer = WRONG[case]
    answer = client.post("/positions", content=json.dumps(body), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    assert client.get("/vehicles").json()["vehicles"] == []


def test_an_infinite_number_is_refused(client: AppClient) -> None:
    """1e999 is valid JSON and no place."""
    content = b'{"at": 1, "positions": {"v-1": [1e999, 1]}}'
    assert client.post("/positions", content=content, headers={"content-type": "application/json"}).status_code == 422


def test_huge_and_malformed_bodies_are_refused(client: AppClient) -> None:
    """Too large is 413, not JSON is 400."""
    kind = {"content-type": "application/json"}
    assert client.post("/positions", content=b"x" * 2001, headers=kind).status_code == 413
    assert client.post("/positions", content=b"{", headers=kind).status_code == 400


def test_one_vehicle_too_many_is_refused_whole(client: AppClient) -> None:
    """Past the limit nothing of the report is kept."""
    body = {"at": NOW, "positions": {f"v-{number}": [1, 1] for number in range(4)}}
    assert client.post("/positions", json=body).status_code == 422
    assert client.get("/vehicles").json()["vehicles"] == []


def test_unknown_vehicle_is_not_found(client: AppClient) -> None:
    """A vehicle never reported is 404, whatever its name looks like."""
    for name in ("v-9999", "%00", "..%2F..%2Fetc", "x" * 5000):
        assert client.get(f"/vehicles/{name}").status_code == 404


@pytest.mark.parametrize("query", ["after=x", "wait=31", "wait=-1", "after=1e999"])
def test_bad_parameters_are_refused(client: AppClient, query: str) -> None:
    """Parameters out of range are 400."""
    assert client.get(f"/positions?{query}").status_code == 400


def test_late_reports_do_not_turn_time_back() -> None:
    """A report older than what is known of a vehicle is left out."""
    tracker = make_tracker()
    tracker.record(report(100, a=(1.0, 1.0)))
    tracker.record(report(99, a=(2.0, 2.0), b=(3.0, 3.0)))
    position = tracker.position("a")
    assert position is not None
    assert position.lon == 1.0
    assert tracker.vehicles == ["a", "b"]


def test_trail_is_bounded_in_length_and_density() -> None:
    """A trail keeps its last points, at least a second apart."""
    tracker = make_tracker()
    for tenth in range(100):
        tracker.record(report(100 + tenth / 10, a=(tenth / 100, 0.0)))
    assert [point.at for point in tracker.trail("a")] == [107.0, 108.0, 109.0]


def test_silent_vehicles_are_forgotten_and_the_fleet_has_another_name() -> None:
    """A vehicle that is silent too long is gone, so the limit counts the living."""
    tracker = make_tracker(most_vehicles=2)
    tracker.record(report(100, a=(1.0, 1.0), b=(1.0, 1.0)))
    both = tracker.fleet
    tracker.record(report(111, b=(1.0, 1.0)))
    assert (tracker.vehicles, tracker.position("a"), tracker.trail("a")) == (["b"], None, [])
    assert tracker.fleet != both
    tracker.record(report(112, c=(1.0, 1.0)))
    with pytest.raises(TooManyVehicles):
        tracker.record(report(112, d=(1.0, 1.0)))


def test_a_follower_is_woken_by_the_next_report() -> None:
    """A long poll answers as soon as there is news, and after a restart of the tracker too."""
    tracker = make_tracker()

    async def main() -> bool:
        tracker.record(report(100, a=(1.0, 1.0)))
        waiting = asyncio.create_task(tracker.frames.after(1, 5))
        await asyncio.sleep(0)
        tracker.record(report(101, a=(1.0, 1.0)))
        return await asyncio.wait_for(waiting, 1) and await tracker.frames.after(77, 5)

    assert asyncio.run(main())


@pytest.mark.parametrize("profile", ["local", "stage", "production"])
def test_profiles_are_valid(profile: str) -> None:
    """Every profile that ships can be loaded, and lets a full report in."""
    settings = load_settings(Settings, "position_tracker", {"PROFILE": profile})
    assert settings.max_body_bytes > settings.most_vehicles * 45
