"""The four services behind the door, and what is known of each right now."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass

from api_gateway.settings import Settings
from servicekit import Backend, BackendError, Latest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A backend as last seen."""

    up: bool
    version: str = ""
    cloud: str = ""


class Backends:
    """Clients for the four services; `states` is published as JSON whenever one changes."""

    def __init__(self, settings: Settings) -> None:
        def backend(name: str, url: str) -> Backend:
            return Backend(name, url, timeout=settings.backend_seconds)

        self.simulator = backend("position-simulator", settings.simulator_url)
        self.tracker = backend("position-tracker", settings.tracker_url)
        self.telemetry = backend("vehicle-telemetry", settings.telemetry_url)
        self.staff = backend("staff-service", settings.staff_url)
        self.all: tuple[Backend, ...] = (self.simulator, self.tracker, self.telemetry, self.staff)
        self.published: Latest[bytes] = Latest()
        self._states: dict[str, State] = {}
        self._probe_seconds = settings.probe_seconds

    async def __aenter__(self) -> Backends:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with AsyncExitStack() as stack:
            for backend in self.all:
                stack.push_async_exit(backend.__aexit__)

    async def watch(self, backend: Backend) -> None:
        """Look at `backend` for ever: whether it answers, which version it is, in which cloud."""
        while True:
            self._note(backend.name, await _look(backend))
            await asyncio.sleep(self._probe_seconds)

    def _note(self, name: str, state: State) -> None:
        before = self._states.get(name)
        if state == before:
            return
        if before is not None and state.up != before.up:
            logger.warning("%s is %s", name, "back" if state.up else "lost")
        self._states[name] = state
        summary = {
            name: {"up": known.up, "version": known.version, "cloud": known.cloud}
            for name, known in sorted(self._states.items())
        }
        self.published.set(json.dumps(summary, separators=(",", ":")).encode())


async def _look(backend: Backend) -> State:
    try:
        answer = await backend.get_json("/version")
        return State(up=True, version=str(answer["version"]), cloud=str(answer["cloud"]))
    except BackendError:
        return State(up=False)
    except (KeyError, TypeError):
        return State(up=True)
