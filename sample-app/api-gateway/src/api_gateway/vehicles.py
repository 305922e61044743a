"""One vehicle, put together from three services. A part that is lost is said to be lost; the rest is answered."""

from __future__ import annotations

import asyncio
from typing import Any

from api_gateway.backends import Backends
from servicekit import Backend, BackendError, NotFound, Problem

Part = dict[str, Any] | BackendError


async def describe(backends: Backends, vehicle: str) -> dict[str, Any]:
    """`position`, `trail`, `telemetry`, `driver`: each null when its service is in `unavailable` or knows nothing.

    Raises Problem 404 when the tracker, or every service that answered, does not know the vehicle; 503 when none
    of them answered.
    """
    parts = await asyncio.gather(
        _part(backends.tracker, f"/vehicles/{vehicle}"),
        _part(backends.telemetry, f"/telemetry/{vehicle}"),
        _part(backends.staff, f"/drivers/{vehicle}"),
    )
    tracked, telemetry, driver = parts
    lost = {part.backend: part.reason for part in parts if isinstance(part, BackendError) and not _unknown(part)}
    if len(lost) == len(parts):
        raise Problem(503, "no service that knows vehicles answered", headers={"retry-after": "1"}, unavailable=lost)
    if _unknown(tracked) or all(isinstance(part, BackendError) for part in parts):
        raise Problem(404, "no such vehicle")
    position = _answered(tracked)
    return {
        "vehicle": vehicle,
        "position": position.get("position") if position else None,
        "trail": position.get("trail") if position else None,
        "telemetry": _answered(telemetry),
        "driver": _answered(driver),
        "unavailable": lost,
    }


async def _part(backend: Backend, path: str) -> Part:
    """An object, or the error in its place."""
    try:
        answer = await backend.get_json(path)
    except BackendError as error:
        return error
    return answer if isinstance(answer, dict) else BackendError(backend.name, "answered something unexpected")


def _unknown(part: Part) -> bool:
    return isinstance(part, NotFound)


def _answered(part: Part) -> dict[str, Any] | None:
    return part if isinstance(part, dict) else None
