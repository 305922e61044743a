"""staff-service: three versions out of one source."""

from __future__ import annotations

import base64
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from servicekit import ProfileError, Service, load_settings
from servicekit.testing import AppClient
from staff_service.app import build
from staff_service.portrait import portrait
from staff_service.roster import driver_of
from staff_service.settings import Settings


@contextmanager
def serving(version: str, **changes: Any) -> Iterator[AppClient]:
    """A client of this version."""
    settings = Settings(service_version=version, cloud="azure", **changes)
    with AppClient(build(Service.create("staff-service", settings), settings)) as client:
        yield client
    client.close()


def test_v1_answers_a_name() -> None:
    """Version v1 knows name and licence, and says who it is."""
    with serving("v1") as client:
        answer = client.get("/drivers/v-0001").json()
    assert answer.keys() == {"vehicle", "name", "licence", "version", "cloud"}
    assert (answer["vehicle"], answer["version"], answer["cloud"]) == ("v-0001", "v1", "azure")


def test_v2_adds_a_photo_of_the_same_driver() -> None:
    """Version v2 answers the same name, and a picture that is well-formed SVG without script."""
    with serving("v1") as first, serving("v2") as second:
        before, after = (client.get("/drivers/v-0042").json() for client in (first, second))
    assert (before["name"], before["licence"]) == (after["name"], after["licence"])
    svg = base64.b64decode(after["photo"].removeprefix("data:image/svg+xml;base64,")).decode()
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own text
    assert "script" not in svg


def test_v3_fails_and_dawdles_in_the_configured_share() -> None:
    """Of version v3's answers the configured share are errors, in an order that the seed decides."""
    with serving("v3", fault_error_share=0.3, fault_slow_share=0.0) as client:
        codes = [client.get("/drivers/v-0001").status_code for _ in range(300)]
    with serving("v3", fault_error_share=0.3, fault_slow_share=0.0) as client:
        again = [client.get("/drivers/v-0001").status_code for _ in range(300)]
    assert set(codes) == {200, 500}
    assert 60 <= codes.count(500) <= 120
    assert codes == again


def test_v3_is_slow_where_configured() -> None:
    """A slow answer takes the configured time, and still answers."""
    with serving("v3", fault_error_share=0.0, fault_slow_share=1.0, fault_slow_seconds=0.15) as client:
        answer = client.get("/drivers/v-0001")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.15


def test_faults_are_v3s_alone() -> None:
    """Versions v1 and v2 pay no heed to the faults' settings."""
    for version in ("v1", "v2"):
        with serving(version, fault_error_share=1.0, fault_slow_share=1.0, fault_slow_seconds=9.0) as client:
            assert client.get("/drivers/v-0001").status_code == 200


def test_v3_crashes_when_told_to() -> None:
    """A configured crash ends the process with a code that is no success, and no farewell."""
    program = (
        "import asyncio\n"
        "from staff_service.faults import Faults\n"
        "from staff_service.settings import Settings\n"
        "asyncio.run(Faults(Settings(service_version='v3', fault_crash_after_seconds=0.05)).crash_later())\n"
    )
    paths = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    ended = subprocess.run([sys.executable, "-c", program], env=paths, capture_output=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout) == (139, b"")


@pytest.mark.parametrize(
    "vehicle",
    ["v-0000", "v-0101", "v-1", "v-00001", "v-000001", "V-0001", "driver", "%2e%2e", "v-99999999999", "v-٠٠٠١"],
)
def test_unknown_vehicles_have_no_driver(vehicle: str) -> None:
    """What is not on the roster is 404."""
    with serving("v2", roster_size=100) as client:
        assert client.get(f"/drivers/{vehicle}").status_code == 404


def test_everyone_on_the_roster_differs_and_stays() -> None:
    """Drivers are the same at each asking, and five hundred of them have many names and faces."""
    drivers = [driver_of(f"v-{number:04d}", 500) for number in range(1, 501)]
    assert drivers == [driver_of(f"v-{number:04d}", 500) for number in range(1, 501)]
    assert None not in drivers
    assert len({driver.name for driver in drivers if driver}) > 250
    assert len({portrait(driver.look) for driver in drivers if driver}) > 400


def test_metrics_say_the_version() -> None:
    """Requests are counted by the version that answered."""
    with serving("v2") as client:
        client.get("/drivers/v-0001")
        metrics = client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/drivers/{vehicle}",status="200",version="v2"} 1.0' in metrics
    assert 'service_info{cloud="azure",service="staff-service",version="v2"} 1.0' in metrics


def test_there_is_no_version_four() -> None:
    """A version that does not exist is refused at the start."""
    with pytest.raises(ProfileError, match="SERVICE_VERSION must be one of v1, v2, v3, not 'v4'"):
        load_settings(Settings, "staff_service", {"SERVICE_VERSION": "v4"})


@pytest.mark.parametrize("profile", ["local", "stage", "production"])
def test_profiles_are_valid_and_leave_the_version_to_the_image(profile: str) -> None:
    """Every profile that ships can be loaded; the image's SERVICE_VERSION decides."""
    environment = {"PROFILE": profile, "SERVICE_VERSION": "v3"}
    assert load_settings(Settings, "staff_service", environment).service_version == "v3"
