"""The webapp's endpoints: the page's files, and api/ passed on to the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from servicekit import Backend, Problem, Service, create_app
from webapp.page_files import load_page
from webapp.proxy import Proxy
from webapp.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    "vary": "accept-encoding",
}


def build(service: Service, settings: Settings) -> Starlette:
    """The application, with the page at `public_path`."""
    files = load_page(settings.public_path)
    gateway = Backend("api-gateway", settings.gateway_url, timeout=settings.gateway_seconds)

    async def page(request: Request) -> Response:
        file = files.get(request.path_params.get("file", "index.html"))
        if file is None:
            raise Problem(404, "no such file")
        headers = {**HEADERS, "etag": file.etag}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(file.compressed, headers=headers, media_type=file.content_type)
        return Response(file.content, headers=headers, media_type=file.content_type)

    async def to_page(_: Request) -> Response:
        return RedirectResponse(settings.public_path)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with gateway:
            yield

    base = settings.public_path
    proxy = Proxy(gateway, settings.gateway_seconds, service.lifecycle)

    async def api(request: Request) -> Response:
        return await proxy(request)

    routes: list[BaseRoute] = [
        Route(base, page),
        Route(f"{base}api/{{path:path}}", api),
        Route(f"{base}{{file}}", page),
    ]
    if base != "/":
        routes += [Route(path, to_page) for path in ("/", base.rstrip("/"))]
    return create_app(service, routes, running)
