"""The page's addresses. Everything asks for a session; what changes something, for the page itself."""

from __future__ import annotations

import asyncio
import json
import time
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from mcci.rehearsal.gitlab.instance import NotNow
from mcci.rehearsal.page.door import Door
from mcci.rehearsal.page.state import is_over, state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from mcci.rehearsal.gitlab.model import Build
    from mcci.rehearsal.gitlab.site import Site

TICK = 0.15  # seconds between two looks at what has changed
PULSE = 10.0  # seconds without news until a sign of life
SHOWN = 512 * 1024  # bytes of a log's end that are shown
TYPES = {"page.css": "text/css", "page.js": "text/javascript", "log.js": "text/javascript"}
POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-src http:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Page:
    """A site's page. `beside` gives what comes from elsewhere: canaries as they are, and the application's own page."""

    def __init__(self, site: Site, beside: Callable[[], Mapping[str, object]] = dict) -> None:
        self.site = site
        self.door = Door()
        self._beside = beside

    @property
    def link(self) -> str:
        """The address that opens the page, once."""
        return self.door.link(self.site.url)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page's routes."""
        project = f"/{self.site.settings.path}/-"
        return [
            Route("/-/sign-in", self._sign_in),
            Route("/", self._page),
            Route("/-/page/events", self._events),
            Route("/-/page/jobs/{job:int}/log", self._log),
            Route("/-/page/jobs/{job:int}/artifacts/{number:int}", self._artifact),
            Route("/-/page/jobs/{job:int}/{action}", self._act_on_job, methods=["POST"]),
            Route("/-/page/pipelines/{pipeline:int}/{action}", self._act_on_pipeline, methods=["POST"]),
            Route("/-/page/{name}", self._file),
            Route(f"{project}/jobs/{{job:int}}", self._to_job),
            Route(f"{project}/pipelines/{{pipeline:int}}", self._to_pipeline),
        ]

    async def _sign_in(self, request: Request) -> Response:
        response = RedirectResponse("/", 303, headers=SAFE)
        return response if self.door.sign_in(request, response) else _refused()

    async def _page(self, request: Request) -> Response:
        return _sent("page.html", "text/html") if self.door.is_open(request) else _refused()

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if not self.door.is_open(request):
            return _refused()
        return _sent(name, TYPES[name]) if name in TYPES else Response("404 Not Found", 404)

    async def _to_job(self, request: Request) -> Response:
        return RedirectResponse(f"/#job-{request.path_params['job']}", 303)

    async def _to_pipeline(self, request: Request) -> Response:
        return RedirectResponse(f"/#pipeline-{request.path_params['pipeline']}", 303)

    async def _events(self, request: Request) -> Response:
        if not self.door.is_open(request):
            return _refused()
        return StreamingResponse(self._news(), media_type="text/event-stream", headers=SAFE)

    async def _news(self) -> AsyncIterator[str]:
        """Yield the whole state each time that it has changed, until the site is served no more."""
        last, sent = "", time.monotonic()
        while not self.site.closed.is_set():
            found = json.dumps({**state(self.site), **self._beside()})
            if found != last:
                last, sent = found, time.monotonic()
                yield f"event: now\ndata: {time.time()}\n\ndata: {found}\n\n"
            elif time.monotonic() - sent > PULSE:
                sent = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(TICK)

    async def _log(self, request: Request) -> Response:
        """GET …/log?from=N: the log from byte N on, or the last of a long one; its size and whether it is over."""
        build = self._build(request)
        if build is None:
            return _refused() if not self.door.is_open(request) else Response("404 Not Found", 404)
        over = is_over(build)  # asked first: what is added afterwards is there at the next look
        start = request.query_params.get("from", "")
        at = int(start) if start.isdecimal() else max(0, build.trace.size - SHOWN)
        data = build.trace.read(at)
        headers = {"X-Log-From": str(at), "X-Log-To": str(at + len(data)), "X-Log-Over": str(over).lower(), **SAFE}
        return Response(data, media_type="text/plain; charset=utf-8", headers=headers)

    async def _artifact(self, request: Request) -> Response:
        build, number = self._build(request), request.path_params["number"]
        if build is None or number >= len(build.artifacts):
            return _refused() if not self.door.is_open(request) else Response("404 Not Found", 404)
        found = build.artifacts[number]
        return FileResponse(found.path, filename=found.name, media_type="application/octet-stream", headers=SAFE)

    def _build(self, request: Request) -> Build | None:
        if not self.door.is_open(request):
            return None
        return self.site.gitlab.builds.get(request.path_params["job"])

    async def _act_on_job(self, request: Request) -> Response:
        if not self.door.may_change(request):
            return _refused()
        gitlab, user = self.site.gitlab, self.site.users[0]
        build = self._build(request)
        if build is None:
            return _no(404, "there is no such job")
        actions: Mapping[str, Callable[[], Build]] = {
            "play": lambda: gitlab.play(build, user),
            "retry": lambda: gitlab.retry(build, user),
            "cancel": lambda: gitlab.cancel(build),
        }
        action = actions.get(request.path_params["action"])
        if action is None:
            return _no(404, "there is no such action")
        try:
            made = await asyncio.to_thread(action)
        except NotNow as error:
            return _no(409, str(error))
        return JSONResponse({"job": made.id}, headers=SAFE)

    async def _act_on_pipeline(self, request: Request) -> Response:
        if not self.door.may_change(request):
            return _refused()
        pipeline = self.site.gitlab.pipelines.get(request.path_params["pipeline"])
        action = request.path_params["action"]
        if pipeline is None or action not in ("retry", "cancel"):
            return _no(404, "there is no such pipeline, or action")
        if action == "cancel":
            await asyncio.to_thread(self.site.gitlab.cancel_pipeline, pipeline)
        else:
            await asyncio.to_thread(self.site.gitlab.retry_pipeline, pipeline, self.site.users[0])
        return JSONResponse({"pipeline": pipeline.id}, headers=SAFE)


def _no(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status, headers=SAFE)


def _refused() -> Response:
    return _sent("refused.html", "text/html", 401)


def _sent(name: str, kind: str, status: int = 200) -> Response:
    found = files(__package__).joinpath(name).read_bytes()
    return Response(found, status, media_type=kind, headers=SAFE)
