"""A client for the services' tests: requests go straight into the application, no socket and no second thread."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
from starlette.applications import Starlette


class AppClient:
    """Calls an ASGI application in an event loop of its own. As a context manager it also starts and stops it."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")

    def __enter__(self) -> AppClient:
        self._runner.run(self._stack.enter_async_context(self._app.router.lifespan_context(self._app)))
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._stack.aclose())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET; options as httpx takes them."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST; options as httpx takes them."""
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request, answered in full."""
        return self._runner.run(self._client.request(method, path, **options))

    def wait(self, seconds: float) -> None:
        """Let the application's background tasks run."""
        self._runner.run(asyncio.sleep(seconds))

    def close(self) -> None:
        """Close the client and its event loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()
