"""Requests under api/ go on to the gateway, so that the page needs one address whatever stands before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from servicekit import Backend, BackendError, Lifecycle, Problem, Stream

PASSED_ON = ("content-type", "cache-control", "retry-after", "x-accel-buffering")
STREAM_SILENCE_SECONDS = 10.0


class Proxy:
    """Passes GET requests to the gateway and streams the answers back."""

    def __init__(self, gateway: Backend, seconds: float, lifecycle: Lifecycle) -> None:
        self._gateway = gateway
        self._silence = max(seconds, STREAM_SILENCE_SECONDS)
        self._lifecycle = lifecycle

    async def __call__(self, request: Request) -> Response:
        """The gateway's answer, or Problem 502 or 504 when there is none."""
        path = "/api/" + quote(request.path_params["path"], safe="/:@!$&'()*+,;=~")
        if request.url.query:
            path += "?" + request.url.query
        accept = request.headers.get("accept", "*/*")
        stack = AsyncExitStack()
        try:
            answer = await stack.enter_async_context(self._gateway.stream(path, accept=accept, silence=self._silence))
            kept = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
            if kept.get("content-type", "").startswith("text/event-stream"):
                open_stack = stack.pop_all()
                closing = BackgroundTask(open_stack.aclose)  # the body may never be asked for
                return StreamingResponse(self._body(answer, open_stack), answer.status, kept, background=closing)
            return Response(b"".join([chunk async for chunk in answer.chunks]), answer.status, kept)
        except BackendError as error:
            raise Problem(504 if error.timed_out else 502, str(error)) from error
        finally:
            await stack.aclose()

    async def _body(self, answer: Stream, stack: AsyncExitStack) -> AsyncIterator[bytes]:
        try:
            async with stack:
                async for chunk in answer.chunks:
                    yield chunk
                    if self._lifecycle.draining.is_set():
                        return  # the gateway's beat makes sure that this is seen soon
        except BackendError:
            return  # the page sees the stream end and opens another
