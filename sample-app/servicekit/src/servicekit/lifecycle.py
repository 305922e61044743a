"""A service's life: starting, ready, draining, stopped; and the tasks that live as long as it does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

logger = logging.getLogger(__name__)


class Lifecycle:
    """Says whether the service is ready, and lets endless answers end when it drains."""

    def __init__(self) -> None:
        self.started = False
        self.failed = False
        self.draining = asyncio.Event()
        self._on_drain: list[Callable[[], None]] = []

    @property
    def ready(self) -> bool:
        """True between the end of start-up and the begin of draining."""
        return self.started and not self.draining.is_set()

    def on_drain(self, action: Callable[[], None]) -> None:
        """Call `action` once, when draining begins."""
        self._on_drain.append(action)

    def drain(self) -> None:
        """Stop being ready; what is in flight goes on."""
        if not self.draining.is_set():
            self.draining.set()
            for action in self._on_drain:
                action()

    def fail(self) -> None:
        """Drain, and end the process with exit code 1."""
        self.failed = True
        self.drain()

    @asynccontextmanager
    async def background(self, *work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Run `work` beside the service. A task that breaks takes the service down: Kubernetes restarts it."""
        tasks = [asyncio.create_task(item) for item in work]
        for task in tasks:
            task.add_done_callback(self._check)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _check(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("background task failed; stopping", exc_info=error)
            self.fail()
