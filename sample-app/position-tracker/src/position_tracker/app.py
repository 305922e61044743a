"""The tracker's endpoints: reports in; the fleet, frames and single vehicles out."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from position_tracker.reports import parse_report
from position_tracker.settings import Settings
from position_tracker.tracker import Position, TooManyVehicles, Tracker
from servicekit import Problem, Service, create_app, number_parameter, read_json

LONGEST_WAIT = 30.0


class Endpoints:
    """The handlers and the tracker they share."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self._most_vehicles = settings.most_vehicles
        self._tracker = Tracker(
            most_vehicles=settings.most_vehicles,
            trail_points=settings.trail_points,
            trail_seconds=settings.trail_seconds,
            forget_seconds=settings.forget_seconds,
        )
        service.lifecycle.on_drain(self._tracker.frames.close)
        registry = service.metrics.registry
        self._taken = Counter("positions", "Positions taken", registry=registry)
        vehicles = Gauge("vehicles", "Vehicles known", registry=registry)
        vehicles.set_function(lambda: len(self._tracker.vehicles))

    async def report(self, request: Request) -> Response:
        """POST /positions: take a report; 204."""
        report = parse_report(await read_json(request), time.time())
        try:
            self._tracker.record(report)
        except TooManyVehicles:
            raise Problem(422, f"at most {self._most_vehicles} vehicles are tracked", pointer="/positions") from None
        self._taken.inc(len(report.positions))
        return Response(status_code=204)

    async def frame(self, request: Request) -> Response:
        """GET /positions?after=REVISION&wait=SECONDS: the newest frame, or 204 when there is none after it."""
        after = int(number_parameter(request, "after", -1, minimum=-1, maximum=2**53))
        wait = number_parameter(request, "wait", 0.0, minimum=0.0, maximum=LONGEST_WAIT)
        frames = self._tracker.frames
        changed = await frames.after(after, wait) if frames.value is not None else await frames.after(0, wait)
        if not changed or frames.value is None:
            return Response(status_code=204)
        return Response(frames.value, media_type="application/json", headers={"x-revision": str(frames.revision)})

    async def vehicles(self, _: Request) -> Response:
        """GET /vehicles: every name, in the order of a frame's positions."""
        return JSONResponse({"fleet": self._tracker.fleet, "vehicles": self._tracker.vehicles})

    async def vehicle(self, request: Request) -> Response:
        """GET /vehicles/{vehicle}: where it is and where it was."""
        name = request.path_params["vehicle"]
        position = self._tracker.position(name)
        if position is None:
            raise Problem(404, "no such vehicle")
        trail = [_as_list(point) for point in self._tracker.trail(name)]
        return JSONResponse({"vehicle": name, "position": _as_list(position), "trail": trail})


def _as_list(position: Position) -> list[float]:
    return [position.lon, position.lat, position.at]


def build(service: Service, settings: Settings) -> Starlette:
    """The application."""
    endpoints = Endpoints(service, settings)
    routes = [
        Route("/positions", endpoints.report, methods=["POST"]),
        Route("/positions", endpoints.frame, methods=["GET"]),
        Route("/vehicles", endpoints.vehicles),
        Route("/vehicles/{vehicle}", endpoints.vehicle),
    ]
    return create_app(service, routes)
