"""The runner protocol: register, ask for a job, send its log, say how it ended, hand artifacts over.

Source: GitLab Runner's `network/gitlab.go`; https://docs.gitlab.com/api/runners/
"""

from __future__ import annotations

import gzip
import time
import zlib
from typing import Any

from starlette.responses import JSONResponse, Response

from mcci.rehearsal.gitlab.api.asking import Asked, Said
from mcci.rehearsal.gitlab.model import Build, same
from mcci.rehearsal.gitlab.payload import payload
from mcci.simulation.status.model import Status

LONG_POLL = 20.0  # seconds that a request for a job waits for one; GitLab's workhorse waits 50
MAX_DOTENV = 5 * 1024  # bytes; https://docs.gitlab.com/administration/instance_limits/
RUNNERS = {"running": "running", "success": "success", "failed": "failed"}


def register(asked: Asked) -> Response:
    """POST /runners and /runners/verify: with the project's runner token."""
    _runner(asked)
    return JSONResponse({"id": 1, "token": asked.site.settings.runner_token, "token_expires_at": None}, 201)


def verify(asked: Asked) -> Response:
    """POST /runners/verify."""
    _runner(asked)
    return JSONResponse({"id": 1, "token": asked.site.settings.runner_token, "token_expires_at": None})


def _runner(asked: Asked) -> None:
    token = asked.text("token") or asked.request.headers.get("runner-token", "")
    if not same(asked.site.settings.runner_token, token):
        raise Said(403, "403 Forbidden")


def request(asked: Asked) -> Response:
    """POST /jobs/request: a job (201), or none (204) after the long poll."""
    _runner(asked)
    gitlab = asked.site.gitlab
    given = asked.body.get("info")
    info = given if isinstance(given, dict) else {}
    name = str(info.get("name") or "runner")
    tags = {str(each) for each in info.get("tags") or ()}
    end = time.monotonic() + min(LONG_POLL, _seconds(asked.text("wait")))

    def wants(build: Build) -> bool:
        needed = set(build.planned.job.keywords.get("tags") or ())
        return not tags or needed <= tags

    while True:
        with gitlab.lock:
            revision = gitlab.revision
            build = gitlab.take(name, wants=wants)
            if build is not None and (found := _payload(asked, build)) is not None:
                return JSONResponse(found, 201)
        left = end - time.monotonic()
        if left <= 0:
            return Response(status_code=204)
        gitlab.wait_for_change(revision, left)


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError as error:
        raise Said(400, {"error": "wait is invalid"}) from error


def _payload(asked: Asked, build: Build) -> dict[str, Any] | None:
    """Return a job as its runner gets it; one that cannot be told fails, as in GitLab, and the next is looked for."""
    gitlab = asked.site.gitlab
    try:
        return payload(build, asked.site.place, gitlab.artifacts_of(build))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        build.trace.append(f"The job cannot be given to a runner: {error!r}\n".encode())
        gitlab.finish(build, success=False, reason="scheduler_failure")
        return None


def _own(asked: Asked) -> Build:
    """Return the job that a runner speaks of, if it comes with that job's token. Raises `Said`."""
    build = asked.build()
    token = asked.request.headers.get("job-token") or asked.text("token")
    if not same(build.token, token):
        raise Said(403, "403 Forbidden")
    return build


def _status(build: Build) -> dict[str, str]:
    """Return the header that tells a runner of a cancellation."""
    return {"Job-Status": build.status.value, "X-GitLab-Trace-Update-Interval": "1"}


def trace(asked: Asked) -> Response:
    """PATCH /jobs/:id/trace: a piece of the log, at the offset that Content-Range says."""
    build = _own(asked)
    if build.over:
        raise Said(403, "403 Forbidden - Job is not running")
    start = asked.request.headers.get("content-range", "").partition("-")[0]
    if not start.isdecimal():
        raise Said(400, "400 Missing header Content-Range")
    size = build.trace.append(asked.raw, int(start))
    if size is None:
        return Response(status_code=416, headers={"Range": f"0-{build.trace.size}", **_status(build)})
    asked.site.gitlab.heard(build, logged=True)
    return Response(status_code=202, headers={"Range": f"0-{size}", **_status(build)})


def update(asked: Asked) -> Response:
    """PUT /jobs/:id: it runs on, or how it ended."""
    build = _own(asked)
    state = asked.text("state", "running")
    if build.over:
        raise Said(403, "403 Forbidden - Job is not running")
    asked.site.gitlab.heard(build)
    if trace_ := asked.text("trace"):
        build.trace.append(trace_.encode())
    if state in ("success", "failed"):
        code = asked.text("exit_code")
        asked.site.gitlab.finish(
            build,
            success=state == "success",
            exit_code=int(code) if code.removeprefix("-").isdecimal() else None,
            reason=asked.text("failure_reason"),
        )
    return Response(status_code=200, headers=_status(build))


def upload(asked: Asked) -> Response:
    """POST /jobs/:id/artifacts: a file as multipart, or as the body."""
    build = _own(asked)
    if build.status not in (Status.RUNNING, Status.CANCELING):
        raise Said(403, "403 Forbidden - Job is not running")
    upload_ = asked.file
    if upload_ is None:
        raise Said(400, {"error": "file is missing"})
    name, data = upload_
    kind = asked.text("artifact_type", "archive")
    form = asked.text("artifact_format", "zip")
    dotenv = _dotenv(data if form != "gzip" else _plain(data)) if kind == "dotenv" else None
    asked.site.gitlab.keep(build, kind, name, data, form=form, dotenv=dotenv)
    return Response(status_code=201)


def download(asked: Asked) -> Response:
    """GET /jobs/:id/artifacts, as a runner asks: with the token of the job that needs them."""
    from mcci.rehearsal.gitlab.api import jobs

    token = asked.request.headers.get("job-token") or asked.text("token")
    if not token or asked.site.build_of(token) is None:
        asked.caller()
    return jobs.archive(asked.build())


def _plain(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Said(400, "Invalid Format: the file is no gzip") from error


def _dotenv(data: bytes) -> dict[str, str]:
    """Return the variables of a dotenv report. Raises `Said` where GitLab would refuse it.

    Source: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv
    """
    if len(data) > MAX_DOTENV:
        raise Said(400, f"Dotenv Artifact Too Big. Maximum Allowable Size: {MAX_DOTENV}")
    found: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.replace("_", "").isalnum():
            raise Said(400, f"Invalid Format: {key}")
        found[key] = value
    return found
