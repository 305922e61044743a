"""Pipelines: listed, started, retried, canceled. Source: https://docs.gitlab.com/api/pipelines/"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page, pairs
from mcci.rehearsal.gitlab.instance import NotCreated
from mcci.rehearsal.gitlab.model import Access, same
from mcci.rehearsal.gitlab.site import Forbidden
from mcci.simulation.events import Source

if TYPE_CHECKING:
    from starlette.responses import Response

    from mcci.rehearsal.gitlab.model import Pipeline, User


def listed(asked: Asked) -> Response:
    """GET …/pipelines: the newest first; child pipelines only where `source` asks for them."""
    asked.caller()
    wanted = {key: asked.text(key) for key in ("ref", "sha", "status", "source", "name") if asked.text(key)}
    found = [each for each in asked.site.gitlab.pipelines.values() if _matches(each, wanted)]
    return page(asked, found[::-1], lambda each: shapes.pipeline(asked.site, each))


def _matches(found: Pipeline, wanted: dict[str, str]) -> bool:
    if "source" not in wanted and found.parent is not None:
        return False
    has = {"ref": found.ref, "sha": found.sha, "status": found.status.value, "source": found.source, "name": found.name}
    return all(has[key] == value for key, value in wanted.items())


def one(asked: Asked) -> Response:
    """GET …/pipelines/:id; a job's token may not read it."""
    asked.caller()
    return JSONResponse(shapes.pipeline(asked.site, asked.pipeline()))


def create(asked: Asked) -> Response:
    """POST …/pipeline: a person runs one."""
    caller = asked.caller(access=Access.DEVELOPER)
    return _run(asked, caller.user, Source.API, asked.required("ref"), pairs(asked, "variables"))


def trigger(asked: Asked) -> Response:
    """POST …/trigger/pipeline: a trigger token, or a job's token."""
    token, ref = asked.required("token"), asked.required("ref")
    for known in asked.site.settings.trigger_tokens.values():
        if same(known.token, token):
            return _run(asked, known.owner, Source.TRIGGER, ref, _mapping(asked))
    build = asked.site.build_of(token)
    if build is None:
        raise not_found("Project")  # GitLab says no more than this of a token it does not know
    return _run(asked, build.user or build.pipeline.user, Source.PIPELINE, ref, _mapping(asked))


def _run(asked: Asked, user: User, source: Source, ref: str, variables: dict[str, str]) -> Response:
    inputs = asked.body.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise Said(400, {"error": "inputs is invalid"})
    try:
        made = asked.site.run(ref, source, user, variables=variables, inputs=inputs)
    except (NotCreated, Forbidden) as error:
        raise Said(400, {"base": [str(error)]}) from error
    return JSONResponse(shapes.pipeline(asked.site, made), 201)


def _mapping(asked: Asked) -> dict[str, str]:
    """Return a trigger's `variables`. Raises `Said` (400) where they are no texts by name."""
    given: Any = asked.body.get("variables") or {}
    if not isinstance(given, dict):
        raise Said(400, {"error": "variables is invalid"})
    if not all(isinstance(value, str) for value in given.values()):
        raise Said(400, "variables needs to be a map of key-valued strings")
    return dict(given)


def jobs(asked: Asked) -> Response:
    """GET …/pipelines/:id/jobs; a job's token may."""
    asked.caller(job_token=True)
    found = [each for each in _builds(asked) if not each.is_bridge]
    return page(asked, found, lambda each: shapes.build(asked.site, each))


def bridges(asked: Asked) -> Response:
    """GET …/pipelines/:id/bridges: the trigger jobs."""
    asked.caller()
    found = [each for each in _builds(asked) if each.is_bridge]
    return page(asked, found, lambda each: shapes.build(asked.site, each))


def _builds(asked: Asked) -> list[Any]:
    pipeline = asked.pipeline()
    scopes = set(asked.request.query_params.getlist("scope[]")) | set(asked.request.query_params.getlist("scope"))
    found = [each for each in asked.site.gitlab.builds.values() if each.pipeline is pipeline]
    if not asked.flag("include_retried"):
        found = [each for each in found if not each.retried]
    return [each for each in found if not scopes or each.status.value in scopes]


def variables(asked: Asked) -> Response:
    """GET …/pipelines/:id/variables: those it was started with."""
    asked.caller(access=Access.MAINTAINER)
    given = asked.pipeline().planned.event.variables
    return page(asked, list(given.items()), lambda each: {"key": each[0], "value": each[1], "variable_type": "env_var"})


def retry(asked: Asked) -> Response:
    """POST …/pipelines/:id/retry."""
    caller = asked.caller(access=Access.DEVELOPER)
    pipeline = asked.pipeline()
    _allowed(asked, caller.user, pipeline)
    asked.site.gitlab.retry_pipeline(pipeline, caller.user)
    return JSONResponse(shapes.pipeline(asked.site, pipeline), 201)


def cancel(asked: Asked) -> Response:
    """POST …/pipelines/:id/cancel."""
    caller = asked.caller(access=Access.DEVELOPER)
    pipeline = asked.pipeline()
    _allowed(asked, caller.user, pipeline)
    asked.site.gitlab.cancel_pipeline(pipeline)
    return JSONResponse(shapes.pipeline(asked.site, pipeline), 200)


def _allowed(asked: Asked, user: User, pipeline: Pipeline) -> None:
    if not asked.site.may_run(user, pipeline.ref):
        raise Said(403, "403 Forbidden")
