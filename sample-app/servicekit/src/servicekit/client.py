"""Calls to other services: bounded in time, with the tracing headers, and failing in a few known ways."""

from __future__ import annotations

import json
from typing import Any

import httpx

from servicekit.context import tracing_headers


class BackendError(Exception):
    """A backend could not answer; `reason` is a sentence fit for a caller: it names no address and no internals."""

    def __init__(self, backend: str, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(f"{backend} {reason}")
        self.backend = backend
        self.reason = reason
        self.timed_out = timed_out


class NotFound(BackendError):
    """The backend answered: it does not know what was asked for."""


class Backend:
    """One other service. Close it, or use it as an async context manager."""

    def __init__(
        self, name: str, url: str, *, timeout: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.name = name
        self.client = httpx.AsyncClient(
            base_url=url,
            timeout=timeout,
            transport=transport,
            verify=url.startswith("https:"),
            trust_env=False,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=60),
        )

    async def __aenter__(self) -> Backend:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str, *, timeout: float | None = None) -> httpx.Response:
        """The answer to a GET, 2xx; raises NotFound (404) or BackendError (all else)."""
        return await self.request("GET", path, timeout=timeout)

    async def get_json(self, path: str, *, timeout: float | None = None) -> Any:
        """The JSON answer to a GET; raises as `get`, and BackendError when it is not JSON."""
        response = await self.get(path, timeout=timeout)
        try:
            return json.loads(response.content)
        except ValueError as error:
            raise BackendError(self.name, "answered something that is not JSON") from error

    async def request(
        self, method: str, path: str, *, content: bytes | None = None, timeout: float | None = None
    ) -> httpx.Response:
        """The answer to a request, 2xx; `content` is sent as JSON. Raises NotFound or BackendError."""
        headers = dict(tracing_headers())
        if content is not None:
            headers["content-type"] = "application/json"
        wait = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            response = await self.client.request(method, path, content=content, headers=headers, timeout=wait)
        except httpx.TimeoutException as error:
            raise BackendError(self.name, "did not answer in time", timed_out=True) from error
        except httpx.HTTPError as error:
            raise BackendError(self.name, "cannot be reached") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(self.name, "does not know it")
        if not response.is_success:
            raise BackendError(self.name, f"answered {response.status_code}")
        return response
