"""What every service answers, and what no request can do to it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from servicekit import Problem, Service, ServiceSettings, create_app, number_parameter, read_json
from servicekit.testing import AppClient


async def echo(request: Request) -> Response:
    """Answers the body."""
    return JSONResponse(await read_json(request))


async def number(request: Request) -> Response:
    """Answers the parameter n."""
    return JSONResponse(number_parameter(request, "n", 1.0, minimum=0, maximum=9))


async def broken(_: Request) -> Response:
    """Fails with a secret in its message."""
    raise RuntimeError("password is hunter2")


async def refused(_: Request) -> Response:
    """Refuses with a field of its own."""
    raise Problem(409, "not now", holder="someone")


@pytest.fixture
def service() -> Service:
    """A service with small limits."""
    settings = ServiceSettings(max_body_bytes=100, cloud="aws", service_version="v7")
    return Service.create("sample", settings)


@pytest.fixture
def client(service: Service) -> Iterator[AppClient]:
    """A client of an application with one route of each behaviour."""
    routes = [
        Route("/echo", echo, methods=["POST"]),
        Route("/number", number),
        Route("/broken", broken),
        Route("/refused", refused),
    ]
    client = AppClient(create_app(service, routes))
    yield client
    client.close()


def test_readiness_follows_the_lifecycle(service: Service, client: AppClient) -> None:
    """Ready only between start and drain; live all the while."""
    assert client.get("/readyz").status_code == 503
    with client:
        assert client.get("/readyz").json() == {"status": "ready"}
        service.lifecycle.drain()
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


def test_version_and_metrics_say_who_answers(client: AppClient) -> None:
    """/version and /metrics carry service, version and cloud."""
    assert client.get("/version").json() == {"service": "sample", "version": "v7", "cloud": "aws"}
    client.get("/refused")
    metrics = client.get("/metrics").text
    assert 'service_info{cloud="aws",service="sample",version="v7"} 1.0' in metrics
    assert 'http_requests_total{method="GET",route="/refused",status="409",version="v7"} 1.0' in metrics


def test_unknown_paths_share_one_metric(client: AppClient) -> None:
    """Paths that do not exist cannot fill the metrics."""
    for path in ("/a", "/b", "/c"):
        assert client.get(path).status_code == 404
    metrics = client.get("/metrics").text
    assert 'route="unmatched",status="404",version="v7"} 3.0' in metrics
    assert '"/a"' not in metrics


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (b"{", 400, "the body is not JSON: Expecting property name enclosed in double quotes at line 1"),
        (b"", 400, "the body is not JSON: Expecting value at line 1"),
        (b'"\xff"', 400, "the body is not UTF-8 text"),
        (b"[NaN]", 400, "the body is JSON that cannot be used: too deep, or a number out of range"),
        (b"x" * 101, 413, "the body may have at most 100 bytes"),
    ],
)
def test_bad_bodies_are_refused(client: AppClient, content: bytes, status: int, detail: str) -> None:
    """What is not JSON or is too large is refused with a problem document."""
    answer = client.post("/echo", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert answer.headers["content-type"] == "application/problem+json"


def test_chunked_body_is_limited_too(client: AppClient) -> None:
    """A body that does not declare its length is cut off at the limit."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"[" + b"1," * 20

    answer = client.post("/echo", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_deep_json_is_refused() -> None:
    """JSON nested deeper than Python can follow is the caller's error, not ours."""
    service = Service.create("sample", ServiceSettings(max_body_bytes=10**6))
    client = AppClient(create_app(service, [Route("/echo", echo, methods=["POST"])]))
    answer = client.post("/echo", content=b"[" * 200_000, headers={"content-type": "application/json"})
    client.close()
    assert answer.status_code == 400


def test_other_content_types_are_refused(client: AppClient) -> None:
    """A form is not JSON."""
    assert client.post("/echo", data={"a": "1"}).status_code == 415


@pytest.mark.parametrize("value", ["x", "nan", "10", "-1", ""])
def test_bad_parameters_are_refused(client: AppClient, value: str) -> None:
    """A parameter that is no number, or out of range, is refused with its limits."""
    answer = client.get("/number", params={"n": value})
    assert (answer.status_code, answer.json()["detail"]) == (400, "parameter n must be a number from 0 to 9")


def test_unexpected_error_leaks_nothing(client: AppClient, caplog: pytest.LogCaptureFixture) -> None:
    """A bug answers 500 without a word of its own; the log has the traceback."""
    with caplog.at_level(logging.ERROR):
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert caplog.records[0].exc_info is not None


def test_problem_carries_fields_and_request_id(client: AppClient) -> None:
    """A refusal has status, detail, its own fields and the caller's request id."""
    answer = client.get("/refused", headers={"x-request-id": "abc-1"})
    expected = {"title": "Conflict", "status": 409, "detail": "not now", "holder": "someone", "request_id": "abc-1"}
    assert answer.json() == expected
    assert answer.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize("bad", ["a b", "x" * 65, '"quoted"', "{}"])
def test_bad_request_ids_are_replaced(client: AppClient, bad: str) -> None:
    """An id that could confuse logs is replaced by a fresh one."""
    given = client.get("/version", headers={"x-request-id": bad}).headers["x-request-id"]
    assert given != bad
    assert len(given) == 32


def test_wrong_method_says_which_is_right(client: AppClient) -> None:
    """405 comes as a problem document with Allow."""
    answer = client.get("/echo")
    assert (answer.status_code, answer.headers["allow"], answer.json()["status"]) == (405, "POST", 405)


def test_broken_background_task_takes_the_service_down(service: Service) -> None:
    """A background task that raises makes the service fail, so that it is restarted."""

    async def work() -> None:
        raise RuntimeError("gone")

    async def main() -> None:
        async with service.lifecycle.background(work()):
            await asyncio.wait_for(service.lifecycle.draining.wait(), 1)

    asyncio.run(main())
    assert service.lifecycle.failed


def test_logs_are_json_with_the_request_id(client: AppClient, caplog: pytest.LogCaptureFixture) -> None:
    """One line a request, readable by machines: path, status, id; no line for health checks."""
    from servicekit.logs import JsonFormatter

    with caplog.at_level(logging.INFO, logger="servicekit.requests"):
        client.get("/healthz")
        client.get("/refused")
    lines = [json.loads(JsonFormatter("sample", "v7").format(record)) for record in caplog.records]
    ours = [line for line in lines if line["message"] == "request"]
    assert [(line["path"], line["status"], line["service"]) for line in ours] == [("/refused", 409, "sample")]
