"""For the tests, without a socket: a client that calls an application, and backends that a function answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx
from starlette.applications import Starlette

from servicekit.client import Answer, Backend, Stream


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that a service made to a backend."""

    method: str
    path: str
    query: Mapping[str, str]
    content: bytes | None
    headers: Mapping[str, str]


Handler = Callable[[Call], Answer]


class FakeBackend(Backend):
    """A backend that a function answers. What the function raises, the network raised."""

    def __init__(self, name: str, handler: Handler) -> None:
        super().__init__(name, "http://backend", timeout=1)
        self.handler = handler

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str], timeout: float
    ) -> Answer:
        return self._answer(method, path, content, headers)

    @asynccontextmanager
    async def _open(self, path: str, headers: dict[str, str], silence: float) -> AsyncIterator[Stream]:
        answer = self._answer("GET", path, None, headers)

        async def chunks() -> AsyncIterator[bytes]:
            yield answer.body

        yield Stream(status=answer.status, headers=answer.headers, chunks=chunks())

    def _answer(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> Answer:
        bare, _, query = path.partition("?")
        call = Call(method=method, path=bare, query=dict(parse_qsl(query)), content=content, headers=headers)
        return self.handler(call)


def answering(document: object, status: int = 200, **headers: str) -> Handler:
    """A handler that always answers this JSON; `x_name` becomes header `x-name`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Answer(status=status, body=json.dumps(document).encode(), headers=named)


def raising(error: Exception) -> Handler:
    """A handler that fails as the network does."""

    def handler(_: Call) -> Answer:
        raise error

    return handler
