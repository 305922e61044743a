"""The simulator's endpoints: the map it drives on, and what it simulates."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from position_simulator.fleet import Fleet
from position_simulator.geography import town_as_json
from position_simulator.reports import Reporter
from position_simulator.roads import make_town
from position_simulator.settings import Settings
from servicekit import Backend, Service, create_app


def build(service: Service, settings: Settings) -> Starlette:
    """The application; while it serves, it reports positions to the tracker."""
    town = make_town(settings.seed)
    drawn = json.dumps(town_as_json(town), separators=(",", ":")).encode()

    async def roads(_: Request) -> Response:
        return Response(drawn, media_type="application/json")

    async def simulation(_: Request) -> Response:
        rate = settings.updates_per_second
        return JSONResponse({"seed": settings.seed, "vehicles": settings.vehicles, "updates_per_second": rate})

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        fleet = Fleet(town, settings.vehicles, settings.seed)
        async with Backend("position-tracker", settings.tracker_url, timeout=settings.report_seconds) as tracker:
            reporter = Reporter(service, fleet, tracker, settings.updates_per_second)
            async with service.lifecycle.background(reporter.run()):
                yield

    return create_app(service, [Route("/roads", roads), Route("/simulation", simulation)], running)
