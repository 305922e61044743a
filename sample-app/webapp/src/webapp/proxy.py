"""Requests under api/ go on to the gateway, so that the page needs one address whatever stands before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from servicekit import Backend, Lifecycle, Problem
from servicekit.context import tracing_headers

PASSED_ON = ("content-type", "cache-control", "retry-after", "x-accel-buffering")
STREAM_SILENCE_SECONDS = 10.0


class Proxy:
    """Passes GET requests to the gateway and streams the answers back."""

    def __init__(self, gateway: Backend, seconds: float, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._client = gateway.client
        self._timeout = httpx.Timeout(seconds, read=max(seconds, STREAM_SILENCE_SECONDS))

    async def __call__(self, request: Request) -> Response:
        """The gateway's answer, or Problem 502 or 504 when there is none."""
        target = httpx.URL("/api/" + request.path_params["path"], query=request.url.query.encode())
        headers = {**tracing_headers(), "accept": request.headers.get("accept", "*/*")}
        call = self._client.build_request("GET", target, headers=headers, timeout=self._timeout)
        try:
            answer = await self._client.send(call, stream=True)
        except httpx.TimeoutException as error:
            raise Problem(504, "api-gateway did not answer in time") from error
        except httpx.HTTPError as error:
            raise Problem(502, "api-gateway cannot be reached") from error
        kept = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        if not kept.get("content-type", "").startswith("text/event-stream"):
            try:
                return Response(await answer.aread(), answer.status_code, kept)
            except httpx.HTTPError as error:
                raise Problem(502, "api-gateway broke off its answer") from error
            finally:
                await answer.aclose()
        return StreamingResponse(self._body(answer), answer.status_code, kept)

    async def _body(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        try:
            async for chunk in answer.aiter_bytes():
                yield chunk
                if self._lifecycle.draining.is_set():
                    return  # the gateway's beat makes sure that this is seen soon
        except httpx.HTTPError:
            return  # the page sees the stream end and opens another
        finally:
            await answer.aclose()
