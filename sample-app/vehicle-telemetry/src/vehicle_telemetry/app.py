"""vehicle-telemetry's endpoints: one vehicle's motion, and the fleet's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from servicekit import Backend, Problem, Service, create_app
from vehicle_telemetry.fleet import Fleet
from vehicle_telemetry.motion import Motion
from vehicle_telemetry.settings import Settings

KMH = 3.6


def describe(motion: Motion) -> dict[str, float]:
    """A motion as answered: km/h, compass degrees, kilometres, epoch seconds."""
    return {
        "speed_kmh": round(motion.speed * KMH, 1),
        "heading_degrees": round(motion.heading) % 360,
        "distance_km": round(motion.distance / 1000, 3),
        "at": motion.at,
    }


def build(service: Service, settings: Settings) -> Starlette:
    """The application; while it serves, it follows the tracker."""
    tracker = Backend("position-tracker", settings.tracker_url, timeout=settings.tracker_seconds)
    fleet = Fleet(tracker, interval=settings.interval_seconds, forget_seconds=settings.forget_seconds)

    async def vehicle(request: Request) -> Response:
        name = request.path_params["vehicle"]
        motion = fleet.motions.get(name)
        if motion is None:
            raise Problem(404, "no such vehicle")
        return JSONResponse({"vehicle": name, **describe(motion)})

    async def summary(_: Request) -> Response:
        speeds = [motion.speed * KMH for motion in fleet.motions.values()]
        mean = sum(speeds) / len(speeds) if speeds else 0.0
        return JSONResponse({"vehicles": len(speeds), "mean_speed_kmh": round(mean, 1)})

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with tracker, service.lifecycle.background(fleet.run()):
            yield

    routes = [Route("/telemetry", summary), Route("/telemetry/{vehicle}", vehicle)]
    return create_app(service, routes, running)
