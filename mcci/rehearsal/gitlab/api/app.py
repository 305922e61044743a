"""The local GitLab's HTTP side: every endpoint, and what stands between a request and the function that answers it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse
from starlette.routing import Route

from mcci.rehearsal.gitlab.api import (
    agents,
    deploy_tokens,
    environments,
    git,
    jobs,
    pipelines,
    projects,
    protected_environments,
    protections,
    runners,
    schedules,
    triggers,
    variables,
)
from mcci.rehearsal.gitlab.api.asking import WHOLE, Asked, Said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from mcci.rehearsal.gitlab.site import Site

Endpoint = "Callable[[Asked], Response]"
PROJECT = "/api/v4/projects/{project}"
TABLE: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/v4/version", projects.version),
    ("GET", "/api/v4/user", projects.me),
    ("GET", "/api/v4/job", jobs.mine),
    # runners
    ("POST", "/api/v4/runners", runners.register),
    ("POST", "/api/v4/runners/verify", runners.verify),
    ("POST", "/api/v4/jobs/request", runners.request),
    ("PATCH", "/api/v4/jobs/{job:int}/trace", runners.trace),
    ("PUT", "/api/v4/jobs/{job:int}", runners.update),
    ("POST", "/api/v4/jobs/{job:int}/artifacts", runners.upload),
    ("GET", "/api/v4/jobs/{job:int}/artifacts", runners.download),
    # pipelines
    ("GET", f"{PROJECT}/pipelines", pipelines.listed),
    ("POST", f"{PROJECT}/pipeline", pipelines.create),
    ("POST", f"{PROJECT}/trigger/pipeline", pipelines.trigger),
    ("GET", f"{PROJECT}/pipelines/{{pipeline:int}}", pipelines.one),
    ("GET", f"{PROJECT}/pipelines/{{pipeline:int}}/jobs", pipelines.jobs),
    ("GET", f"{PROJECT}/pipelines/{{pipeline:int}}/bridges", pipelines.bridges),
    ("GET", f"{PROJECT}/pipelines/{{pipeline:int}}/variables", pipelines.variables),
    ("POST", f"{PROJECT}/pipelines/{{pipeline:int}}/retry", pipelines.retry),
    ("POST", f"{PROJECT}/pipelines/{{pipeline:int}}/cancel", pipelines.cancel),
    # jobs
    ("GET", f"{PROJECT}/jobs", jobs.listed),
    ("GET", f"{PROJECT}/jobs/{{job:int}}", jobs.one),
    ("POST", f"{PROJECT}/jobs/{{job:int}}/play", jobs.play),
    ("POST", f"{PROJECT}/jobs/{{job:int}}/retry", jobs.retry),
    ("POST", f"{PROJECT}/jobs/{{job:int}}/cancel", jobs.cancel),
    ("GET", f"{PROJECT}/jobs/{{job:int}}/trace", jobs.trace),
    ("GET", f"{PROJECT}/jobs/{{job:int}}/artifacts", jobs.artifacts),
    ("GET", f"{PROJECT}/jobs/{{job:int}}/artifacts/{{path:path}}", jobs.artifact),
    # the repository
    ("GET", f"{PROJECT}/repository/branches", projects.branches),
    ("POST", f"{PROJECT}/repository/branches", projects.create_branch),
    ("GET", f"{PROJECT}/repository/branches/{{name:path}}", projects.branch),
    ("GET", f"{PROJECT}/repository/commits/{{sha}}", projects.commit),
    ("GET", f"{PROJECT}/merge_requests", projects.merge_requests),
    ("POST", f"{PROJECT}/merge_requests", projects.open_merge_request),
    ("GET", f"{PROJECT}/merge_requests/{{iid:int}}", projects.merge_request),
    ("PUT", f"{PROJECT}/merge_requests/{{iid:int}}", projects.update_merge_request),
    ("PUT", f"{PROJECT}/merge_requests/{{iid:int}}/merge", projects.merge),
    # settings
    ("GET", f"{PROJECT}/ci/lint", projects.lint),
    ("POST", f"{PROJECT}/ci/lint", projects.lint),
    ("GET", f"{PROJECT}/variables", variables.variables),
    ("POST", f"{PROJECT}/variables", variables.create_variable),
    ("GET", f"{PROJECT}/variables/{{key}}", variables.variable),
    ("PUT", f"{PROJECT}/variables/{{key}}", variables.update_variable),
    ("DELETE", f"{PROJECT}/variables/{{key}}", variables.delete_variable),
    ("GET", f"{PROJECT}/protected_branches", protections.protected_branches),
    ("POST", f"{PROJECT}/protected_branches", protections.protect),
    ("GET", f"{PROJECT}/protected_branches/{{name:path}}", protections.protected_branch),
    ("PATCH", f"{PROJECT}/protected_branches/{{name:path}}", protections.change_protection),
    ("DELETE", f"{PROJECT}/protected_branches/{{name:path}}", protections.unprotect),
    ("GET", f"{PROJECT}/triggers", triggers.triggers),
    ("POST", f"{PROJECT}/triggers", triggers.create_trigger),
    ("DELETE", f"{PROJECT}/triggers/{{id:int}}", triggers.delete_trigger),
    ("GET", f"{PROJECT}/pipeline_schedules", schedules.schedules),
    ("POST", f"{PROJECT}/pipeline_schedules", schedules.create_schedule),
    ("PUT", f"{PROJECT}/pipeline_schedules/{{id:int}}", schedules.update_schedule),
    ("DELETE", f"{PROJECT}/pipeline_schedules/{{id:int}}", schedules.delete_schedule),
    ("POST", f"{PROJECT}/pipeline_schedules/{{id:int}}/play", schedules.play_schedule),
    ("GET", f"{PROJECT}/cluster_agents", agents.agents),
    ("POST", f"{PROJECT}/cluster_agents", agents.register_agent),
    ("GET", f"{PROJECT}/cluster_agents/{{id:int}}", agents.agent),
    ("DELETE", f"{PROJECT}/cluster_agents/{{id:int}}", agents.delete_agent),
    ("GET", f"{PROJECT}/cluster_agents/{{id:int}}/tokens", agents.tokens),
    ("POST", f"{PROJECT}/cluster_agents/{{id:int}}/tokens", agents.create_token),
    ("GET", f"{PROJECT}/deploy_tokens", deploy_tokens.deploy_tokens),
    ("POST", f"{PROJECT}/deploy_tokens", deploy_tokens.create_deploy_token),
    ("DELETE", f"{PROJECT}/deploy_tokens/{{id:int}}", deploy_tokens.delete_deploy_token),
    ("GET", f"{PROJECT}/protected_environments", protected_environments.protected_environments),
    ("POST", f"{PROJECT}/protected_environments", protected_environments.protect_environment),
    ("DELETE", f"{PROJECT}/protected_environments/{{name:path}}", protected_environments.unprotect_environment),
    ("GET", f"{PROJECT}/environments", environments.environments),
    ("POST", f"{PROJECT}/environments", environments.create_environment),
    ("GET", f"{PROJECT}/environments/{{id:int}}", environments.environment),
    ("PUT", f"{PROJECT}/environments/{{id:int}}", environments.update_environment),
    ("GET", f"{PROJECT}/deployments", environments.deployments),
    ("GET", PROJECT, projects.one),
    ("PUT", PROJECT, projects.update),
)


def app(site: Site, more: Iterable[BaseRoute] = ()) -> Starlette:
    """Return the ASGI application of a site; `more` are the routes of its page."""
    routes = [Route(path, _endpoint(site, function), methods=[method]) for method, path, function in TABLE]
    found = Starlette(routes=[*routes, *git.routes(site), *more])
    found.add_middleware(WholeProject)
    return found


class WholeProject:
    """Lets a project's path be in an address as one part, `group%2Fproject`: servers hand it on as two."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Put the project's id where its encoded path stands."""
        if scope["type"] == "http":
            raw = scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "replace")
            start = "/api/v4/projects/"
            if raw.startswith(start) and "%2F" in (named := raw.removeprefix(start).partition("/")[0]).upper():
                from urllib.parse import unquote

                path = unquote(named)
                scope = {**scope, "path": scope["path"].replace(start + path, start + path.replace("/", WHOLE), 1)}
        await self._application(scope, receive, send)


def _endpoint(site: Site, function: Any) -> Any:
    async def answer(request: Request) -> Response:
        if "project" in request.path_params:
            request.path_params["project"] = request.path_params["project"].replace(WHOLE, "/")
        try:
            asked = await _read(site, request)
            _check([asked.body, dict(request.query_params), request.path_params])
            if "project" in request.path_params:
                asked.project()
            found: Response = await run_in_threadpool(function, asked)
            if "project" in request.path_params and request.method != "GET":
                await run_in_threadpool(site.save)
        except Said as said:
            whole = (
                said.message
                if isinstance(said.message, dict) and "error" in said.message
                else {"message": said.message}
            )
            return JSONResponse(whole, said.status)
        return found

    return answer


def _check(found: Any) -> None:
    """Raise `Said` for texts that are none, as GitLab does: with a NUL in them, or half a character."""
    if isinstance(found, str):
        if "\x00" in found or any("\ud800" <= each <= "\udfff" for each in found):
            raise Said(400, "400 Bad request")
    elif isinstance(found, dict):
        _check([*found, *found.values()])
    elif isinstance(found, list):
        for each in found:
            _check(each)


async def _read(site: Site, request: Request) -> Asked:
    """Read a request's body, whichever way it comes. Raises `Said` for one that is not what it says it is."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "multipart/form-data":
        async with request.form(max_part_size=2**30) as form:
            upload = form.get("file")
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
            file = (upload.filename or "file", await upload.read()) if isinstance(upload, UploadFile) else None
            return Asked(site, request, fields, file=file)
    raw = await request.body()
    if kind == "application/json" and raw:
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise Said(400, {"error": f"The provided JSON is invalid: {error}"}) from error
        if not isinstance(body, dict):
            raise Said(400, {"error": "The provided JSON is not an object"})
        return Asked(site, request, body)
    if kind == "application/x-www-form-urlencoded":
        return Asked(site, request, _nested(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)))
    return Asked(site, request, {}, raw=raw)


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a form's fields, `variables[KEY]=value` as a mapping, as Rails reads them."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        outer, bracket, inner = name.partition("[")
        if bracket and inner.endswith("]") and inner != "]":
            found.setdefault(outer, {})[inner[:-1]] = value
        else:
            found[outer] = value
    return found
