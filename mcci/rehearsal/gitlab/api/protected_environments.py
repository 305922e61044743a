"""Protected environments, of GitLab's paid tiers. Source: https://docs.gitlab.com/api/protected_environments/"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.model import Access, ProtectedEnvironment

Json = dict[str, Any]
LEVELS = {Access.DEVELOPER: "Developers + Maintainers", Access.MAINTAINER: "Maintainers"}


def protected_environments(asked: Asked) -> Response:
    """GET …/protected_environments."""
    asked.caller(access=Access.MAINTAINER)
    return page(asked, list(asked.site.settings.protected_environments.values()), _shape)


def protect_environment(asked: Asked) -> Response:
    """POST …/protected_environments: who may deploy to it, by role alone."""
    asked.caller(access=Access.MAINTAINER)
    name, given = asked.required("name"), asked.body.get("deploy_access_levels")
    if name in asked.site.settings.protected_environments:
        raise Said(409, f"Protected environment '{name}' already exists")
    if not isinstance(given, list) or not given:
        raise Said(400, {"error": "deploy_access_levels is missing"})
    known = [level for level in LEVELS if any(isinstance(e, dict) and e.get("access_level") == level for e in given)]
    if len(known) != len(given):
        raise Said(400, {"error": "deploy_access_levels[0][access_level] does not have a valid value"})
    made = ProtectedEnvironment(name=name, deploy=min(known))
    asked.site.settings.protected_environments[name] = made
    return JSONResponse(_shape(made), 201)


def unprotect_environment(asked: Asked) -> Response:
    """DELETE …/protected_environments/:name."""
    asked.caller(access=Access.MAINTAINER)
    if asked.site.settings.protected_environments.pop(asked.request.path_params["name"], None) is None:
        raise not_found("ProtectedEnvironment")
    return Response(status_code=204)


def _shape(found: ProtectedEnvironment) -> Json:
    level = {"access_level": int(found.deploy), "access_level_description": LEVELS[found.deploy]}
    return {
        "name": found.name,
        "deploy_access_levels": [{**level, "user_id": None, "group_id": None}],
        "required_approval_count": 0,
        "approval_rules": [],
    }
