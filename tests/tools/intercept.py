"""What befalls requests on their way into a lab cluster: seen, held up, refused, before they take effect or after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tools.lab import LabCluster

WRITES = ("POST", "PUT", "PATCH", "DELETE")
App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(slots=True)
class Intercept:
    """Stands before a cluster's API. `before` and `after` get method and path of every request.

    `before` returns None to let it pass, or a status to answer with instead. `hold` returns seconds to wait first.
    """

    app: App
    before: Callable[[str, str], int | None] = lambda _method, _path: None
    after: Callable[[str, str], None] = lambda _method, _path: None
    hold: Callable[[str, str], float] = lambda _method, _path: 0.0
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        self.seen.append((method, path))
        await asyncio.sleep(self.hold(method, path))
        status = self.before(method, path)
        if status is not None:
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b"{}"})
            return
        await self.app(scope, receive, send)
        self.after(method, path)

    def writes(self, part: str) -> list[tuple[str, str]]:
        """The writes whose path holds `part`, in order."""
        return [(method, path) for method, path in self.seen if method in WRITES and part in path]


@contextmanager
def intercepted(lab: LabCluster) -> Iterator[Intercept]:
    """Stand before a cluster's API, for connections that are made from now on."""
    config = lab.cluster._server.config
    original = config.loaded_app
    found = Intercept(original)
    config.loaded_app = found
    try:
        yield found
    finally:
        config.loaded_app = original
