"""What happens around every request: an id, a size limit, a measure, a log line, and no error left uncaught."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.context import enter_request
from servicekit.metrics import Metrics
from servicekit.problems import Problem, problem_response

logger = logging.getLogger("servicekit.requests")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
HUNG_UP = 499  # counted, never sent: the caller left before its request was whole
SECURITY_HEADERS = [(b"x-content-type-options", b"nosniff")]


class Observe:
    """Plain ASGI middleware, outermost of the user's: nothing of a request escapes it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, max_body_bytes: int, routes: Mapping[Any, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        identifier = enter_request(scope["headers"])
        status = 0

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", identifier.encode()), *SECURITY_HEADERS]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        begin = time.perf_counter()
        self._metrics.in_flight.inc()
        try:
            if _declared_length(scope) > self._max_body_bytes:
                response = problem_response(413, self._too_large(), {"connection": "close"})
                await response(scope, receive, send_observed)
            else:
                await self._app(scope, self._limited(receive), send_observed)
        except ClientDisconnect:
            status = status or HUNG_UP
        except Exception:
            logger.exception("unexpected error")
            if not status:
                await problem_response(500)(scope, receive, send_observed)
            else:
                raise
        finally:
            self._metrics.in_flight.dec()
            self._record(scope, status, time.perf_counter() - begin)

    def _too_large(self) -> str:
        return f"the body may have at most {self._max_body_bytes} bytes"

    def _limited(self, receive: Receive) -> Receive:
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body_bytes:
                raise Problem(413, self._too_large(), headers={"connection": "close"})
            return message

        return receive_limited

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = self._routes.get(scope.get("endpoint"), "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.observe(method, route, status, seconds)
        if route in QUIET or not logger.isEnabledFor(logging.INFO):
            return
        fields = {"method": method, "path": scope["path"], "status": status, "ms": round(seconds * 1000, 2)}
        logger.info("request", extra={"fields": fields})


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
