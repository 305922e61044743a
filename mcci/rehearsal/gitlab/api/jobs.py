"""Jobs: shown, played, retried, canceled, with their logs and artifacts. Source: https://docs.gitlab.com/api/jobs/"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, JSONResponse, Response

from mcci.rehearsal.gitlab.api import shapes
from mcci.rehearsal.gitlab.api.asking import Asked, Said, not_found, page, pairs
from mcci.rehearsal.gitlab.instance import NotNow
from mcci.rehearsal.gitlab.model import Access

if TYPE_CHECKING:
    from mcci.rehearsal.gitlab.model import Build, User


def listed(asked: Asked) -> Response:
    """GET …/jobs: the newest first."""
    asked.caller()
    scopes = set(asked.request.query_params.getlist("scope[]")) | set(asked.request.query_params.getlist("scope"))
    found = [
        each
        for each in reversed(asked.site.gitlab.builds.values())
        if not each.is_bridge and (not scopes or each.status.value in scopes)
    ]
    return page(asked, found, lambda each: shapes.build(asked.site, each))


def one(asked: Asked) -> Response:
    """GET …/jobs/:id."""
    asked.caller()
    return JSONResponse(shapes.build(asked.site, asked.build()))


def mine(asked: Asked) -> Response:
    """GET /job: the job that a job's token belongs to."""
    build = asked.caller(job_token=True).build
    if build is None:
        raise not_found("Job")
    return JSONResponse(shapes.build(asked.site, build))


def play(asked: Asked) -> Response:
    """POST …/jobs/:id/play. A trigger job cannot be started over the API."""
    user = asked.caller(access=Access.DEVELOPER).user
    build = _allowed(asked, user)
    if build.is_bridge:
        raise Said(400, "400 Bad request - Unplayable Job")
    variables = pairs(asked, "job_variables_attributes")
    try:
        found = asked.site.gitlab.play(build, user, variables)
    except NotNow as error:
        raise Said(400, "400 Bad request - Unplayable Job") from error
    return JSONResponse(shapes.build(asked.site, found))


def retry(asked: Asked) -> Response:
    """POST …/jobs/:id/retry: a new job in its place."""
    user = asked.caller(access=Access.DEVELOPER).user
    try:
        found = asked.site.gitlab.retry(_allowed(asked, user), user)
    except NotNow as error:
        raise Said(403, "403 Forbidden - Job is not retryable") from error
    return JSONResponse(shapes.build(asked.site, found), 201)


def cancel(asked: Asked) -> Response:
    """POST …/jobs/:id/cancel."""
    build = _allowed(asked, asked.caller(access=Access.DEVELOPER).user)
    try:
        asked.site.gitlab.cancel(build, force=asked.flag("force"))
    except NotNow as error:
        raise Said(403, "403 Forbidden - The job cannot be canceled") from error
    return JSONResponse(shapes.build(asked.site, build), 201)


def _allowed(asked: Asked, user: User) -> Build:
    build = asked.build()
    if not (asked.site.may_run(user, build.pipeline.ref) and asked.site.may_deploy(user, build)):
        raise Said(403, "403 Forbidden")
    return build


def trace(asked: Asked) -> Response:
    """GET …/jobs/:id/trace, also from a byte on (`Range: bytes=100-`)."""
    asked.caller()
    build = asked.build()
    start = asked.request.headers.get("range", "").removeprefix("bytes=").partition("-")[0]
    data = build.trace.read(int(start) if start.isdecimal() else 0)
    headers = {"X-Trace-Size": str(build.trace.size), "X-Job-Status": build.status.value}
    return Response(data, media_type="text/plain", headers=headers)


def artifacts(asked: Asked) -> Response:
    """GET …/jobs/:id/artifacts: the archive."""
    asked.caller(job_token=True)
    return archive(asked.build())


def archive(build: Build) -> Response:
    """Return a job's archive. Raises `Said` (404)."""
    for each in build.artifacts:
        if each.type == "archive":
            return FileResponse(each.path, filename=each.name, media_type="application/zip")
    raise not_found("Artifacts")


def artifact(asked: Asked) -> Response:
    """GET …/jobs/:id/artifacts/*path: one file of the archive."""
    asked.caller(job_token=True)
    path = asked.request.path_params["path"]
    for each in asked.build().artifacts:
        if each.type == "archive":
            with zipfile.ZipFile(each.path) as opened:
                try:
                    return Response(io.BytesIO(opened.read(path)).getvalue(), media_type="application/octet-stream")
                except KeyError:
                    break
    raise not_found("File")
