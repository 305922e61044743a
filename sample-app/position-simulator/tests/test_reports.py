"""Reporting: what is sent, and what happens when the tracker is lost."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from position_simulator.app import build
from position_simulator.fleet import Fleet
from position_simulator.reports import Reporter
from position_simulator.roads import make_town
from position_simulator.settings import Settings
from servicekit import Answer, Service, load_settings
from servicekit.testing import AppClient, Call, FakeBackend


def test_a_lost_tracker_is_said_once_and_reports_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """Reports fail while the tracker is lost and arrive when it is back: two log lines in all."""
    outcomes = [200, 503, 503, 200]
    bodies = []

    def tracker(call: Call) -> Answer:
        bodies.append(json.loads(call.content or b""))
        return Answer(status=outcomes[len(bodies) - 1])

    async def main() -> Service:
        service = Service.create("position-simulator", Settings())
        backend = FakeBackend("position-tracker", tracker)
        reporter = Reporter(service, Fleet(make_town(7), 3, 7), backend, 10)
        for _ in outcomes:
            await reporter.report()
        return service

    with caplog.at_level("INFO", logger="position_simulator"):
        service = asyncio.run(main())
    messages = [record.message for record in caplog.records if record.name.startswith("position_simulator")]
    assert messages == ["tracker lost: position-tracker answered 503", "tracker is back"]
    assert service.metrics.registry.get_sample_value("reports_total", {"outcome": "failed"}) == 2
    assert list(bodies[0]["positions"]) == ["v-0001", "v-0002", "v-0003"]


def test_it_reports_at_its_rate_while_it_serves() -> None:
    """The running service sends reports, and moves the vehicles in between."""
    bodies = []

    def tracker(call: Call) -> Answer:
        bodies.append(json.loads(call.content or b"")["positions"])
        return Answer(status=204)

    async def main() -> None:
        service = Service.create("position-simulator", Settings())
        backend = FakeBackend("position-tracker", tracker)
        async with service.lifecycle.background(Reporter(service, Fleet(make_town(7), 3, 7), backend, 50).run()):
            while len(bodies) < 10:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert all(before != after for before, after in itertools.pairwise(bodies))


def test_it_serves_its_map_without_a_tracker() -> None:
    """The map is there even when nobody listens on the tracker's address."""
    settings = Settings(tracker_url="http://127.0.0.1:1")
    with AppClient(build(Service.create("position-simulator", settings), settings)) as client:
        assert len(client.get("/roads").json()["roads"]) > 80
        assert client.get("/simulation").json() == {"seed": 7, "vehicles": 60, "updates_per_second": 10.0}
    client.close()


@pytest.mark.parametrize("profile", ["local", "stage", "production"])
def test_profiles_are_valid(profile: str) -> None:
    """Every profile that ships can be loaded."""
    assert load_settings(Settings, "position_simulator", {"PROFILE": profile}).vehicles >= 1
