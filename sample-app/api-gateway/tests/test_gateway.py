"""The gateway: one answer from three services, partial ones when some are lost, and the stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from api_gateway.app import Endpoints, build
from api_gateway.backends import Backends
from api_gateway.settings import Settings
from api_gateway.stream import Stream
from api_gateway.vehicles import describe
from servicekit import Answer, Problem, Service, load_settings
from servicekit.testing import AppClient, Call, FakeBackend, Handler, answering, raising

TRACKED = {"vehicle": "v-1", "position": [1, 2, 3], "trail": [[1, 2, 3]]}
TELEMETRY = {"vehicle": "v-1", "speed_kmh": 50}
DRIVER = {"vehicle": "v-1", "name": "Ada Conti", "version": "v2", "cloud": "azure"}


TRACKER, TELEMETRIST, STAFF = answering(TRACKED), answering(TELEMETRY), answering(DRIVER)
not_found = answering({}, 404)
lost = raising(ConnectionRefusedError("connection to 10.1.2.3 refused"))
slow = raising(TimeoutError("10.1.2.3"))


def make_backends(tracker: Handler = TRACKER, telemetry: Handler = TELEMETRIST, staff: Handler = STAFF) -> Backends:
    """Backends that answer so."""
    backends = Backends(Settings(probe_seconds=0.1))
    handlers = (answering({}), tracker, telemetry, staff)
    fakes = [FakeBackend(backend.name, handler) for backend, handler in zip(backends.all, handlers, strict=True)]
    backends.simulator, backends.tracker, backends.telemetry, backends.staff = fakes
    backends.all = tuple(fakes)
    return backends


def test_all_parts_together() -> None:
    """With all services there, an answer holds all of them."""
    assert asyncio.run(describe(make_backends(), "v-1")) == {
        "vehicle": "v-1",
        "position": [1, 2, 3],
        "trail": [[1, 2, 3]],
        "telemetry": TELEMETRY,
        "driver": DRIVER,
        "unavailable": {},
    }


@pytest.mark.parametrize(
    ("staff", "reason"),
    [
        (lost, "cannot be reached"),
        (slow, "did not answer in time"),
        (answering("Traceback", 500), "answered 500"),
        (answering([]), "answered something unexpected"),
    ],
)
def test_a_lost_part_is_said_and_the_rest_answered(staff: Handler, reason: str) -> None:
    """Whatever ails one service, the others' parts are answered, and why one is missing."""
    answer = asyncio.run(describe(make_backends(staff=staff), "v-1"))
    assert (answer["driver"], answer["unavailable"]) == (None, {"staff-service": reason})
    assert (answer["position"], answer["telemetry"]) == ([1, 2, 3], TELEMETRY)


def test_a_part_that_knows_nothing_is_empty_not_lost() -> None:
    """A vehicle without telemetry yet has none; nobody is unavailable."""
    answer = asyncio.run(describe(make_backends(telemetry=not_found), "v-1"))
    assert (answer["telemetry"], answer["unavailable"]) == (None, {})


@pytest.mark.parametrize(
    ("tracker", "telemetry", "staff", "status"),
    [
        (not_found, not_found, not_found, 404),
        (not_found, answering(TELEMETRY), answering(DRIVER), 404),
        (lost, not_found, not_found, 404),
        (not_found, lost, lost, 404),
        (lost, slow, lost, 503),
    ],
)
def test_no_vehicle_or_no_service(tracker: Handler, telemetry: Handler, staff: Handler, status: int) -> None:
    """Unknown is 404 when whoever answered says so; nobody answering is 503."""
    with pytest.raises(Problem) as caught:
        asyncio.run(describe(make_backends(tracker, telemetry, staff), "v-1"))
    assert caught.value.status_code == status


@pytest.fixture
def client() -> Iterator[AppClient]:
    """A client of a gateway none of whose backends exists."""
    nowhere = "http://127.0.0.1:1"
    settings = Settings(simulator_url=nowhere, tracker_url=nowhere, telemetry_url=nowhere, staff_url=nowhere)
    with AppClient(build(Service.create("api-gateway", settings), settings)) as client:
        yield client
    client.close()


def test_without_backends_it_says_so_and_leaks_nothing(client: AppClient) -> None:
    """All backends lost: right codes, problem documents, no addresses, and the gateway itself is ready."""
    codes = {}
    for path in ("/api/roads", "/api/vehicles", "/api/summary", "/api/vehicles/v-0001"):
        answer = client.get(path)
        codes[path] = answer.status_code
        assert "127.0.0.1" not in answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert list(codes.values()) == [502, 502, 502, 503]
    assert client.get("/readyz").status_code == 200


def test_services_shows_who_is_lost(client: AppClient) -> None:
    """After one look at each backend, all four are known to be lost."""
    client.wait(0.3)
    services = client.get("/api/services").json()
    assert {name: state["up"] for name, state in services.items()} == {
        "position-simulator": False,
        "position-tracker": False,
        "staff-service": False,
        "vehicle-telemetry": False,
    }


@pytest.mark.parametrize("name", ["..", "%2e%2e%2fmetrics", "a%3Fb", "A", "x" * 33, "a%0Ab"])
def test_names_cannot_reach_other_paths_of_backends(client: AppClient, name: str) -> None:
    """A name that is no vehicle's is refused before any backend is asked."""
    assert client.get(f"/api/vehicles/{name}").status_code == 404


def test_stream_sends_services_and_the_newest_frame_only() -> None:
    """A reader that was slow gets the newest frame, not the ones between; and hears of a lost service."""
    polls = 0

    def tracker(_: Call) -> Answer:
        nonlocal polls
        polls += 1
        if polls > 5:
            return Answer(status=204)
        return Answer(status=200, body=b'{"n":%d}' % polls, headers={"x-revision": str(polls)})

    async def main() -> list[bytes]:
        backends = make_backends(tracker=tracker, staff=lost)
        stream = Stream(backends, 0.0)
        service = Service.create("api-gateway", Settings())
        events = []
        async with service.lifecycle.background(
            stream.follow_tracker(), stream.follow_states(), backends.watch(backends.staff)
        ):
            while polls < 7:
                await asyncio.sleep(0.005)
            async for event in stream.events():
                events.append(event)
                if len(events) == 3:
                    stream.close()
        return events

    retry, services, frame = asyncio.run(asyncio.wait_for(main(), 5))
    assert retry == b"retry: 1000\n\n"
    assert json.loads(services.partition(b"data: ")[2]) == {"staff-service": {"up": False, "version": "", "cloud": ""}}
    assert frame == b'event: positions\ndata: {"n":5}\n\n'


def test_stream_ends_when_the_gateway_drains() -> None:
    """Draining ends every stream at once: pages reconnect to another copy."""

    async def main() -> list[bytes]:
        stream = Stream(make_backends(), 0.0)

        async def read() -> list[bytes]:
            return [event async for event in stream.events()]

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.01)
        stream.close()
        return await asyncio.wait_for(reading, 1)

    assert asyncio.run(main())[0] == b"retry: 1000\n\n"


def test_streams_are_limited() -> None:
    """One stream more than allowed is refused with 503; when one ends, the next is let in."""

    async def main() -> None:
        backends = make_backends()
        endpoints = Endpoints(backends, Stream(backends, 0.0), most_streams=1)
        request = Request({"type": "http", "method": "GET", "path": "/api/stream", "headers": []})
        first = await endpoints.stream(request)
        assert isinstance(first, StreamingResponse)
        body = first.body_iterator
        assert isinstance(body, AsyncGenerator)
        await anext(body)
        with pytest.raises(Problem) as caught:
            await endpoints.stream(request)
        assert caught.value.status_code == 503
        await body.aclose()
        assert (await endpoints.stream(request)).status_code == 200

    asyncio.run(main())


def test_a_version_that_changes_is_published() -> None:
    """When staff-service's copies take turns (a canary), the version seen last is shown."""
    versions = iter(["v1", "v2"])

    def staff(call: Call) -> Answer:
        return answering({"version": next(versions, "v2"), "cloud": "aws"})(call)

    async def main() -> list[str]:
        backends = make_backends(staff=staff)
        seen = []
        async with Service.create("g", Settings()).lifecycle.background(backends.watch(backends.staff)):
            for revision in (0, 1):
                await backends.published.after(revision, 2)
                seen.append(json.loads(backends.published.value or b"")["staff-service"]["version"])
        return seen

    assert asyncio.run(main()) == ["v1", "v2"]


@pytest.mark.parametrize("profile", ["local", "stage", "production"])
def test_profiles_are_valid(profile: str) -> None:
    """Every profile that ships can be loaded."""
    assert load_settings(Settings, "api_gateway", {"PROFILE": profile}).staff_url
