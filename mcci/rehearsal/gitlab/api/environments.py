"""Environments and deployments. Source: https://docs.gitlab.com/api/environments/"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.model import Access

if TYPE_CHECKING:
    from mcci.rehearsal.gitlab.model import Environment

Json = dict[str, Any]


def environments(asked: Asked) -> Response:
    """GET …/environments."""
    asked.caller()
    name = asked.text("name")
    found = [each for each in asked.site.gitlab.environments if name in ("", each.name)]
    return page(asked, found, lambda each: shapes.environment(asked.site, each))


def environment(asked: Asked) -> Response:
    """GET …/environments/:id."""
    asked.caller()
    return JSONResponse(shapes.environment(asked.site, _environment(asked)))


def create_environment(asked: Asked) -> Response:
    """POST …/environments."""
    asked.caller(access=Access.DEVELOPER)
    name = asked.required("name")
    if name in asked.site.gitlab.environments.by_name:
        raise Said(400, {"name": ["has already been taken"]})
    made = asked.site.gitlab.set_environment(name, tier=asked.text("tier"), url=asked.text("external_url"))
    return JSONResponse(shapes.environment(asked.site, made), 201)


def update_environment(asked: Asked) -> Response:
    """PUT …/environments/:id."""
    asked.caller(access=Access.DEVELOPER)
    found = _environment(asked)
    tier, url = asked.text("tier", found.tier), asked.text("external_url", found.url)
    return JSONResponse(
        shapes.environment(asked.site, asked.site.gitlab.set_environment(found.name, tier=tier, url=url))
    )


def deployments(asked: Asked) -> Response:
    """GET …/deployments: the oldest first."""
    asked.caller()
    environment_, status = asked.text("environment"), asked.text("status")
    found = [
        each
        for each in asked.site.gitlab.environments.deployments
        if environment_ in ("", each.environment.name) and status in ("", each.status)
    ]
    if asked.text("sort") == "desc":
        found.reverse()
    return page(asked, found, lambda each: shapes.deployment(asked.site, each))


def _environment(asked: Asked) -> Environment:
    for each in asked.site.gitlab.environments:
        if each.id == asked.request.path_params["id"]:
            return each
    raise not_found("Environment")
