"""The application factory: a service gives its routes and settings; the rest is the same for all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from servicekit.lifecycle import Lifecycle
from servicekit.metrics import Metrics
from servicekit.middleware import Observe
from servicekit.problems import on_http_exception, problem_response
from servicekit.settings import ServiceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service's identity and the parts its handlers share."""

    name: str
    settings: ServiceSettings
    lifecycle: Lifecycle
    metrics: Metrics

    @classmethod
    def create(cls, name: str, settings: ServiceSettings) -> Service:
        """The parts for one process of the service `name`."""
        metrics = Metrics(name, settings.service_version, settings.cloud)
        return cls(name=name, settings=settings, lifecycle=Lifecycle(), metrics=metrics)

    @property
    def identity(self) -> dict[str, str]:
        """Which service, which version, in which cloud: what `/version` answers."""
        return {"service": self.name, "version": self.settings.service_version, "cloud": self.settings.cloud}


def create_app(
    service: Service,
    routes: Sequence[BaseRoute],
    running: Callable[[], AbstractAsyncContextManager[None]] | None = None,
) -> Starlette:
    """An ASGI application: `routes`, the endpoints all services have, and `running` held open while it serves."""
    all_routes = [*_common_routes(service), *routes]
    labels = {route.endpoint: route.path for route in all_routes if isinstance(route, Route)}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with running() if running else _nothing():
            service.lifecycle.started = True
            yield
            service.lifecycle.drain()

    limit = service.settings.max_body_bytes
    observe = Middleware(Observe, metrics=service.metrics, max_body_bytes=limit, routes=labels)
    handlers = {HTTPException: on_http_exception}
    return Starlette(routes=all_routes, middleware=[observe], exception_handlers=handlers, lifespan=lifespan)


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


def _common_routes(service: Service) -> list[Route]:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        if service.lifecycle.ready:
            return JSONResponse({"status": "ready"})
        return problem_response(503, "starting or draining", {"retry-after": "1"})

    async def version(_: Request) -> Response:
        return JSONResponse(service.identity)

    async def metrics(_: Request) -> Response:
        return service.metrics.response()

    return [
        Route("/healthz", live),
        Route("/readyz", ready),
        Route("/version", version),
        Route("/metrics", metrics),
    ]
