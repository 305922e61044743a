"""The gateway's endpoints, all under /api: the map, the fleet, one vehicle, the services and the stream."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from api_gateway.backends import Backends
from api_gateway.settings import Settings
from api_gateway.stream import Stream
from api_gateway.vehicles import describe
from servicekit import Backend, BackendError, Problem, Service, create_app

VEHICLE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
NO_STORE = {"cache-control": "no-store"}
STREAM_HEADERS = {**NO_STORE, "x-accel-buffering": "no"}


class Endpoints:
    """The handlers and what they share."""

    def __init__(self, backends: Backends, stream: Stream, most_streams: int) -> None:
        self._backends = backends
        self._stream = stream
        self._most_streams = most_streams
        self._streams = 0

    async def roads(self, _: Request) -> Response:
        """GET /api/roads: the map."""
        return await _passed_on(self._backends.simulator, "/roads")

    async def vehicles(self, _: Request) -> Response:
        """GET /api/vehicles: every vehicle's name, in the order of a frame's positions."""
        return await _passed_on(self._backends.tracker, "/vehicles")

    async def vehicle(self, request: Request) -> Response:
        """GET /api/vehicles/{vehicle}: all that is known of one."""
        name = request.path_params["vehicle"]
        if not VEHICLE.fullmatch(name):
            raise Problem(404, "no such vehicle")
        return JSONResponse(await describe(self._backends, name), headers=NO_STORE)

    async def summary(self, _: Request) -> Response:
        """GET /api/summary: the fleet in a few numbers."""
        return await _passed_on(self._backends.telemetry, "/telemetry")

    async def services(self, _: Request) -> Response:
        """GET /api/services: each backend, whether it is up, its version and cloud."""
        return Response(self._backends.published.value or b"{}", media_type="application/json", headers=NO_STORE)

    async def stream(self, _: Request) -> Response:
        """GET /api/stream: server-sent events `positions` and `services`."""
        if self._streams >= self._most_streams:
            raise Problem(503, "too many streams", headers={"retry-after": "5"})
        return StreamingResponse(self._counted(), media_type="text/event-stream", headers=STREAM_HEADERS)

    async def _counted(self) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            async for event in self._stream.events():
                yield event
        finally:
            self._streams -= 1


async def _passed_on(backend: Backend, path: str) -> Response:
    try:
        answer = await backend.get(path)
    except BackendError as error:
        status = 504 if error.timed_out else 502
        raise Problem(status, str(error), unavailable={error.backend: error.reason}) from error
    return Response(answer.body, media_type="application/json", headers=NO_STORE)


def build(service: Service, settings: Settings) -> Starlette:
    """The application; while it serves, it watches the backends and follows the tracker."""
    backends = Backends(settings)
    stream = Stream(backends, settings.frame_seconds)
    endpoints = Endpoints(backends, stream, settings.most_streams)
    service.lifecycle.on_drain(stream.close)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        watching = [backends.watch(backend) for backend in backends.all]
        async with (
            backends,
            service.lifecycle.background(stream.follow_tracker(), stream.follow_states(), *watching),
        ):
            yield

    routes = [
        Route("/api/roads", endpoints.roads),
        Route("/api/summary", endpoints.summary),
        Route("/api/services", endpoints.services),
        Route("/api/stream", endpoints.stream),
        Route("/api/vehicles", endpoints.vehicles),
        Route("/api/vehicles/{vehicle}", endpoints.vehicle),
    ]
    return create_app(service, routes, running)
