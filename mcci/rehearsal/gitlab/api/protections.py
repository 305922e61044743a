"""Protected branches. Source: https://docs.gitlab.com/api/protected_branches/"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.model import Access, Protection

if TYPE_CHECKING:
    pass

Json = dict[str, Any]
LEVELS = {Access.NONE: "No one", Access.DEVELOPER: "Developers + Maintainers", Access.MAINTAINER: "Maintainers"}


def protected_branches(asked: Asked) -> Response:
    """GET …/protected_branches."""
    asked.caller()
    return page(asked, list(asked.site.settings.protected.values()), _protection)


def protected_branch(asked: Asked) -> Response:
    """GET …/protected_branches/:name."""
    asked.caller()
    return JSONResponse(_protection(_protected(asked)))


def protect(asked: Asked) -> Response:
    """POST …/protected_branches."""
    asked.caller(access=Access.MAINTAINER)
    name = asked.required("name")
    if name in asked.site.settings.protected:
        raise Said(409, f"Protected branch '{name}' already exists")
    made = Protection(
        name=name,
        push=_access(asked.text("push_access_level", "40")),
        merge=_access(asked.text("merge_access_level", "40")),
        allow_force_push=asked.flag("allow_force_push"),
    )
    asked.site.settings.protected[name] = made
    return JSONResponse(_protection(made), 201)


def change_protection(asked: Asked) -> Response:
    """PATCH …/protected_branches/:name; in the free tier only `allow_force_push` can be changed."""
    asked.caller(access=Access.MAINTAINER)
    old = _protected(asked)
    new = replace(old, allow_force_push=asked.flag("allow_force_push", default=old.allow_force_push))
    asked.site.settings.protected[old.name] = new
    return JSONResponse(_protection(new))


def unprotect(asked: Asked) -> Response:
    """DELETE …/protected_branches/:name."""
    asked.caller(access=Access.MAINTAINER)
    del asked.site.settings.protected[_protected(asked).name]
    return Response(status_code=204)


def _protected(asked: Asked) -> Protection:
    found = asked.site.settings.protected.get(asked.request.path_params["name"])
    if found is None:
        raise not_found("Branch")
    return found


def _access(text: str) -> Access:
    try:
        return Access(int(text))
    except ValueError as error:
        raise Said(400, {"error": "access_level does not have a valid value"}) from error


def _protection(found: Protection) -> Json:
    def level(access: Access) -> list[Json]:
        return [{"access_level": int(access), "access_level_description": LEVELS.get(access, access.name.title())}]

    return {
        "name": found.name,
        "push_access_levels": level(found.push),
        "merge_access_levels": level(found.merge),
        "allow_force_push": found.allow_force_push,
        "code_owner_approval_required": False,
    }
