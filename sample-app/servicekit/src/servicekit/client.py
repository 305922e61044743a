"""Calls to other services: bounded in time, with the tracing headers, and failing in a few known ways.

aiohttp is the client because it costs a tenth of what httpx does for each call, and a gateway does little else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from servicekit.context import tracing_headers

NOT_FOUND = 404


class BackendError(Exception):
    """A backend could not answer; `reason` is a sentence fit for a caller: it names no address and no internals."""

    def __init__(self, backend: str, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(f"{backend} {reason}")
        self.backend = backend
        self.reason = reason
        self.timed_out = timed_out


class NotFound(BackendError):
    """The backend answered: it does not know what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A backend's answer; header names in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer whose body is still coming; `chunks` raises BackendError when it breaks off."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Backend:
    """One other service. Close it, or use it as an async context manager."""

    def __init__(self, name: str, url: str, *, timeout: float) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Backend:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, *, timeout: float | None = None) -> Answer:
        """The answer to a GET, 2xx; raises NotFound (404) or BackendError (all else)."""
        return await self.request("GET", path, timeout=timeout)

    async def get_json(self, path: str, *, timeout: float | None = None) -> Any:
        """The JSON answer to a GET; raises as `get`, and BackendError when it is not JSON."""
        answer = await self.get(path, timeout=timeout)
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise BackendError(self.name, "answered something that is not JSON") from error

    async def request(
        self, method: str, path: str, *, content: bytes | None = None, timeout: float | None = None
    ) -> Answer:
        """The answer to a request, 2xx; `content` is sent as JSON. Raises NotFound or BackendError."""
        headers = dict(tracing_headers())
        if content is not None:
            headers["content-type"] = "application/json"
        try:
            answer = await self._send(method, path, content, headers, self._timeout if timeout is None else timeout)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._lost(error) from error
        if answer.status == NOT_FOUND:
            raise NotFound(self.name, "does not know it")
        if not 200 <= answer.status < 300:
            raise BackendError(self.name, f"answered {answer.status}")
        return answer

    @asynccontextmanager
    async def stream(self, path: str, *, accept: str, silence: float) -> AsyncIterator[Stream]:
        """The answer to a GET, whatever its status, as it comes in; raises BackendError.

        It may last for ever, but never be silent for more than `silence` seconds.
        """
        headers = {**tracing_headers(), "accept": accept}
        try:
            async with self._open(path, headers, silence) as stream:
                yield stream
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> BackendError:
        if isinstance(error, TimeoutError):
            return BackendError(self.name, "did not answer in time", timed_out=True)
        return BackendError(self.name, "cannot be reached")

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str], timeout: float
    ) -> Answer:
        limit = aiohttp.ClientTimeout(total=timeout)
        url = URL(self._url + path, encoded=True)
        async with self._opened().request(
            method, url, data=content, headers=headers, timeout=limit, allow_redirects=False
        ) as answer:
            return Answer(status=answer.status, body=await answer.read(), headers=_lower(answer.headers))

    @asynccontextmanager
    async def _open(self, path: str, headers: dict[str, str], silence: float) -> AsyncIterator[Stream]:
        limit = aiohttp.ClientTimeout(sock_connect=self._timeout, sock_read=silence)
        url = URL(self._url + path, encoded=True)
        async with self._opened().get(url, headers=headers, timeout=limit, allow_redirects=False) as answer:
            chunks = answer.content.iter_any()
            yield Stream(status=answer.status, headers=_lower(answer.headers), chunks=chunks)

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made on first use: it belongs to the event loop that runs then."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=200, keepalive_timeout=60)
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=jar)
        return self._session


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
