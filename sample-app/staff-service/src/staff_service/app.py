"""staff-service's endpoint: a vehicle's driver, as this version knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from servicekit import Problem, Service, create_app
from staff_service.faults import Faults
from staff_service.portrait import portrait_url
from staff_service.roster import driver_of
from staff_service.settings import Settings
from staff_service.versions import VERSIONS


def build(service: Service, settings: Settings) -> Starlette:
    """The application of the version that is configured."""
    features = VERSIONS[settings.service_version]
    faults = Faults(settings)

    async def driver(request: Request) -> Response:
        vehicle = request.path_params["vehicle"]
        if features.faulty:
            await faults.strike()
        found = driver_of(vehicle, settings.roster_size)
        if found is None:
            raise Problem(404, "no such vehicle")
        answer: dict[str, Any] = {"vehicle": vehicle, "name": found.name, "licence": found.licence}
        if features.photo:
            answer["photo"] = portrait_url(found.look)
        return JSONResponse({**answer, "version": settings.service_version, "cloud": settings.cloud})

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with service.lifecycle.background(*([faults.crash_later()] if features.faulty else [])):
            yield

    return create_app(service, [Route("/drivers/{vehicle}", driver)], running)
