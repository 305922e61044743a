"""The latest value of something, for any number of readers: a slow one skips, none makes the writer wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from servicekit.client import Backend, BackendError

Value = TypeVar("Value")


class Latest(Generic[Value]):
    """A value and its revision. Memory is bounded: only the newest value is kept."""

    def __init__(self) -> None:
        self.revision = 0
        self.value: Value | None = None
        self.closed = False
        self._changed = asyncio.Event()

    def close(self) -> None:
        """No reader waits any more: the service is about to stop."""
        self.closed = True
        self._changed.set()

    def set(self, value: Value) -> None:
        """Replace the value and wake every reader."""
        self.value = value
        self.revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, revision: int, wait: float) -> bool:
        """Wait up to `wait` seconds until the revision differs from `revision`; whether it does."""
        if self.revision == revision and not self.closed:
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                return False
        return self.revision != revision


async def follow(
    backend: Backend, path: str, *, interval: float, on_state: Callable[[BackendError | None], None] = lambda _: None
) -> AsyncIterator[bytes]:
    """Each new body of a long-polled `path`, at most one every `interval` seconds, for ever.

    The backend answers `?after=REVISION&wait=SECONDS` with 200 and header `x-revision`, or 204 when nothing is
    new. A lost backend is asked again every half second; `on_state` hears why it is lost, and None when it is back.
    """
    wait = 5.0
    revision = "-1"
    loop = asyncio.get_running_loop()
    while True:
        begin = loop.time()
        try:
            answer = await backend.get(f"{path}?after={revision}&wait={wait:g}", timeout=wait + 2)
        except BackendError as error:
            on_state(error)
            await asyncio.sleep(0.5)
            continue
        on_state(None)
        if answer.body:
            revision = answer.headers.get("x-revision", "-1")
            yield answer.body
        await asyncio.sleep(max(0.0, begin + interval - loop.time()))
