"""Pipeline schedules. Source: https://docs.gitlab.com/api/pipeline_schedules/"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.instance import NotCreated
from mcci.rehearsal.gitlab.model import Access, Schedule
from mcci.rehearsal.gitlab.site import Forbidden
from mcci.simulation.events import Source

if TYPE_CHECKING:
    pass

Json = dict[str, Any]


def schedules(asked: Asked) -> Response:
    """GET …/pipeline_schedules."""
    asked.caller(access=Access.DEVELOPER)
    return page(asked, list(asked.site.settings.schedules.values()), _schedule)


def create_schedule(asked: Asked) -> Response:
    """POST …/pipeline_schedules."""
    user = asked.caller(access=Access.DEVELOPER).user
    made = Schedule(
        id=next(asked.site.numbers),
        description=asked.required("description"),
        ref=asked.required("ref").removeprefix("refs/heads/"),
        cron=asked.required("cron"),
        timezone=asked.text("cron_timezone", "UTC"),
        active=asked.flag("active", default=True),
        owner=user,
    )
    asked.site.settings.schedules[made.id] = made
    return JSONResponse(_schedule(made), 201)


def update_schedule(asked: Asked) -> Response:
    """PUT …/pipeline_schedules/:id."""
    asked.caller(access=Access.DEVELOPER)
    old = _scheduled(asked)
    new = replace(
        old,
        description=asked.text("description", old.description),
        ref=asked.text("ref", old.ref).removeprefix("refs/heads/"),
        cron=asked.text("cron", old.cron),
        timezone=asked.text("cron_timezone", old.timezone),
        active=asked.flag("active", default=old.active),
    )
    asked.site.settings.schedules[old.id] = new
    return JSONResponse(_schedule(new))


def delete_schedule(asked: Asked) -> Response:
    """DELETE …/pipeline_schedules/:id."""
    asked.caller(access=Access.DEVELOPER)
    del asked.site.settings.schedules[_scheduled(asked).id]
    return Response(status_code=204)


def play_schedule(asked: Asked) -> Response:
    """POST …/pipeline_schedules/:id/play: a rehearsal's schedules start when somebody says so."""
    user = asked.caller(access=Access.DEVELOPER).user
    try:
        asked.site.run(_scheduled(asked).ref, Source.SCHEDULE, user)
    except (NotCreated, Forbidden) as error:
        raise Said(400, {"base": [str(error)]}) from error
    return JSONResponse({"message": "201 Created"}, 201)


def _scheduled(asked: Asked) -> Schedule:
    found = asked.site.settings.schedules.get(asked.request.path_params["id"])
    if found is None:
        raise not_found("Pipeline Schedule")
    return found


def _schedule(found: Schedule) -> Json:
    return {
        "id": found.id,
        "description": found.description,
        "ref": f"refs/heads/{found.ref}",
        "cron": found.cron,
        "cron_timezone": found.timezone,
        "active": found.active,
        "owner": shapes.user(found.owner),
    }
