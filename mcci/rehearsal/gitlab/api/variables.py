"""CI/CD variables. Source: https://docs.gitlab.com/api/project_level_variables/"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page
from mcci.rehearsal.gitlab.model import Access
from mcci.simulation.events import ProjectVariable

if TYPE_CHECKING:
    pass

Json = dict[str, Any]
SHORTEST_MASKED = 8  # characters; https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable


def variables(asked: Asked) -> Response:
    """GET …/variables."""
    asked.caller(access=Access.MAINTAINER)
    return page(asked, asked.site.settings.variables, lambda each: _variable(asked, each))


def variable(asked: Asked) -> Response:
    """GET …/variables/:key."""
    asked.caller(access=Access.MAINTAINER)
    return JSONResponse(_variable(asked, _found(asked)))


def create_variable(asked: Asked) -> Response:
    """POST …/variables."""
    asked.caller(access=Access.MAINTAINER)
    key, scope = asked.required("key"), asked.text("environment_scope", "*")
    known = asked.site.settings.variables
    if any((each.key, each.environment) == (key, scope) for each in known):
        raise Said(400, {"key": [f"({key}) has already been taken"]})
    made = _read(asked, ProjectVariable(key=key, value="", environment=scope))
    known.append(made)
    return JSONResponse(_variable(asked, made), 201)


def update_variable(asked: Asked) -> Response:
    """PUT …/variables/:key."""
    asked.caller(access=Access.MAINTAINER)
    old = _found(asked)
    known = asked.site.settings.variables
    known[known.index(old)] = new = _read(asked, old)
    return JSONResponse(_variable(asked, new))


def delete_variable(asked: Asked) -> Response:
    """DELETE …/variables/:key."""
    asked.caller(access=Access.MAINTAINER)
    asked.site.settings.variables.remove(_found(asked))
    return Response(status_code=204)


def _found(asked: Asked) -> ProjectVariable:
    key = asked.request.path_params["key"]
    given = asked.body.get("filter")
    scope = asked.text("filter[environment_scope]") or (
        given.get("environment_scope") if isinstance(given, dict) else ""
    )
    found = [
        each for each in asked.site.settings.variables if each.key == key and scope in ("", None, each.environment)
    ]
    if not found:
        raise not_found("Variable")
    if len(found) > 1:
        raise Said(409, "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'")
    return found[0]


def _read(asked: Asked, old: ProjectVariable) -> ProjectVariable:
    hidden = asked.flag("masked_and_hidden")
    new = replace(
        old,
        value=asked.text("value", old.value),
        protected=asked.flag("protected", default=old.protected),
        masked=hidden or asked.flag("masked", default=old.masked),
        raw=asked.flag("raw", default=old.raw),
        file=asked.text("variable_type", "file" if old.file else "env_var") == "file",
        environment=asked.text("environment_scope", old.environment),
    )
    if new.masked and (len(new.value) < SHORTEST_MASKED or any(each.isspace() for each in new.value)):
        raise Said(400, {"value": ["is invalid"]})
    if hidden:
        asked.site.settings.hidden.add(new.key)
    return new


def _variable(asked: Asked, found: ProjectVariable) -> Json:
    hidden = found.key in asked.site.settings.hidden
    return {
        "variable_type": "file" if found.file else "env_var",
        "key": found.key,
        "value": None if hidden else found.value,
        "protected": found.protected,
        "masked": found.masked,
        "hidden": hidden,
        "raw": found.raw,
        "environment_scope": found.environment,
        "description": None,
    }
