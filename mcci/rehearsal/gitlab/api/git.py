"""Git over HTTP: clone and push, through git's own `http-backend`. A push starts its pipelines.

Source: https://git-scm.com/docs/git-http-backend
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from mcci.clients import git_http
from mcci.rehearsal.gitlab.model import Access, Pushed, User
from mcci.rehearsal.gitlab.repository import BLANK

if TYPE_CHECKING:
    from starlette.requests import Request

    from mcci.rehearsal.gitlab.site import Site

DENIED = {"WWW-Authenticate": 'Basic realm="GitLab"'}


def routes(site: Site) -> list[Route]:
    """Return the routes of the project's repository."""
    path = f"/{site.settings.path}.git"

    async def answer(request: Request) -> Response:
        user, may_write = _who(site, request)
        if user is None:
            return Response("HTTP Basic: Access denied", 401, headers=DENIED)
        pushes = "git-receive-pack" in (request.url.path + request.url.query)
        if pushes and not may_write:
            return Response("You are not allowed to push code to this project.", 403)
        body = await request.body()
        return await run_in_threadpool(_serve, site, request, body, user)

    return [
        Route(f"{path}/info/refs", answer, methods=["GET"]),
        Route(f"{path}/git-upload-pack", answer, methods=["POST"]),
        Route(f"{path}/git-receive-pack", answer, methods=["POST"]),
    ]


def _who(site: Site, request: Request) -> tuple[User | None, bool]:
    """Return who comes with these credentials, and whether they may write. A job's token only reads."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None, False
    try:
        name, _, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, False
    if name == "gitlab-ci-token":
        build = site.build_of(password)
        return (None, False) if build is None else (build.user or build.pipeline.user, False)
    user = site.user_of(password)
    return user, user is not None and user.access >= Access.DEVELOPER


def _serve(site: Site, request: Request, body: bytes, user: User) -> Response:
    path = request.url.path.removeprefix(f"/{site.settings.path}.git")

    def backend() -> Response:
        status, headers, data = git_http.backend(
            site.repository.path, method=request.method, path=path, query=request.url.query,
            headers=dict(request.headers), body=body, limits=_limits(site, user),
        )  # fmt: skip
        return Response(data, status, headers=headers)

    if path != "/git-receive-pack":
        return backend()
    with site.pushing:  # what has moved is seen by what stood there before
        before = site.repository.branches()
        found = backend()
        after = site.repository.branches()
        moved = [
            Pushed(branch=name, before=before.get(name, BLANK), after=after.get(name, BLANK))
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]
        site.pushed(moved, user)
    return found


def _limits(site: Site, user: User) -> git_http.Limits:
    """Return the protected branches, and what a user may do to them."""
    found = list(site.settings.protected.values())
    return git_http.Limits(
        protected=[each.name for each in found],
        may_push=[each.name for each in found if each.push is not Access.NONE and user.access >= each.push],
        may_force=[each.name for each in found if each.allow_force_push],
    )
