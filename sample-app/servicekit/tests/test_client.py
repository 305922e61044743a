"""Calls to other services: how they fail, and what travels with them."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from servicekit import Answer, BackendError, NotFound, follow
from servicekit.context import enter_request
from servicekit.testing import Call, FakeBackend, Handler, answering, raising


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (raising(TimeoutError("10.0.0.7 slow")), "other did not answer in time"),
        (raising(aiohttp.ServerTimeoutError("10.0.0.7 slow")), "other did not answer in time"),
        (raising(ConnectionRefusedError("10.0.0.7 refused")), "other cannot be reached"),
        (raising(aiohttp.ClientPayloadError("garbage")), "other cannot be reached"),
        (answering("Traceback", 500), "other answered 500"),
        (answering("", 302, location="http://elsewhere"), "other answered 302"),
        (lambda _: Answer(status=200, body=b"<html>"), "other answered something that is not JSON"),
    ],
)
def test_failures_are_few_and_tell_nothing(handler: Handler, message: str) -> None:
    """Whatever goes wrong becomes BackendError, with no address and nothing of the backend's answer."""
    with pytest.raises(BackendError) as caught:
        asyncio.run(FakeBackend("other", handler).get_json("/x"))
    assert str(caught.value) == message


def test_not_found_is_an_answer() -> None:
    """404 is told apart: the backend is there and does not know."""
    with pytest.raises(NotFound):
        asyncio.run(FakeBackend("other", answering({}, 404)).get_json("/x"))


def test_tracing_headers_travel_on() -> None:
    """The request's id and trace context go with every call made for it; other headers do not."""
    seen: dict[str, str] = {}

    def handler(call: Call) -> Answer:
        seen.update(call.headers)
        return Answer(status=200, body=b"{}")

    async def main() -> None:
        enter_request([(b"x-request-id", b"abc"), (b"traceparent", b"00-1-2-01"), (b"cookie", b"secret")])
        await FakeBackend("other", handler).get_json("/x")

    asyncio.run(main())
    assert (seen["x-request-id"], seen["traceparent"]) == ("abc", "00-1-2-01")
    assert "cookie" not in seen


def test_follow_asks_for_what_is_new_and_survives_a_loss() -> None:
    """Each body comes once, by its revision; a loss is said, and following goes on when the backend is back."""
    asked: list[str] = []
    states: list[bool] = []

    def handler(call: Call) -> Answer:
        asked.append(call.query["after"])
        if len(asked) == 2:
            raise ConnectionRefusedError("gone")
        if len(asked) == 3:
            return Answer(status=204)
        return Answer(status=200, body=f"body{len(asked)}".encode(), headers={"x-revision": str(len(asked) * 10)})

    async def main() -> list[bytes]:
        bodies = []
        async for body in follow(
            FakeBackend("other", handler), "/p", interval=0, on_state=lambda error: states.append(error is None)
        ):
            bodies.append(body)
            if len(bodies) == 3:
                break
        return bodies

    assert asyncio.run(main()) == [b"body1", b"body4", b"body5"]
    assert asked == ["-1", "10", "10", "10", "40"]
    assert states == [True, False, True, True, True]
