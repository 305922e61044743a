"""The stream to a page (server-sent events): frames of positions, and which services are lost.

Every page reads the same latest bytes; a slow one skips frames and never makes another wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from api_gateway.backends import Backends
from servicekit import Latest, follow

logger = logging.getLogger(__name__)
BEAT_SECONDS = 2.0


class Stream:
    """Follows the tracker and merges its frames with the backends' states."""

    def __init__(self, backends: Backends, frame_seconds: float) -> None:
        self._backends = backends
        self._frame_seconds = frame_seconds
        self._frames: Latest[bytes] = Latest()
        self._any: Latest[None] = Latest()

    async def follow_tracker(self) -> None:
        """Take the tracker's frames for ever."""
        async for frame in follow(self._backends.tracker, "/positions", interval=self._frame_seconds):
            self._frames.set(frame)
            self._any.set(None)

    async def follow_states(self) -> None:
        """Wake the readers when a backend is lost or comes back."""
        revision = 0
        published = self._backends.published
        while True:
            await published.after(revision, 60.0)
            if published.revision != revision:
                revision = published.revision
                self._any.set(None)

    def close(self) -> None:
        """End every stream: the gateway drains."""
        self._any.close()

    async def events(self) -> AsyncIterator[bytes]:
        """What one page receives, until the gateway drains. A beat says that a quiet stream lives."""
        seen_any, seen_frame, seen_state = -1, 0, 0
        frames, states = self._frames, self._backends.published
        yield b"retry: 1000\n\n"
        while not self._any.closed:
            if not await self._any.after(seen_any, BEAT_SECONDS):
                yield b"event: beat\ndata: {}\n\n"
                continue
            seen_any = self._any.revision
            if states.value is not None and states.revision != seen_state:
                seen_state = states.revision
                yield b"event: services\ndata: " + states.value + b"\n\n"
            if frames.value is not None and frames.revision != seen_frame:
                seen_frame = frames.revision
                yield b"event: positions\ndata: " + frames.value + b"\n\n"
            await asyncio.sleep(0)
