"""A runtime whose pods are real: what blocks happens in threads, and is awaited here."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from mcci.clients.pods import engine, processes
from mcci.clients.pods.model import OUT_OF_MEMORY, ImageFacts, Start, Volume
from mcci.clients.registry import credentials, reference
from mcci.errors import McciError
from mcci.lab.clusters.pods import asking
from mcci.lab.clusters.pods.model import ContainerSpec, Image, Probe, PullFailed, StartFailed
from mcci.lab.clusters.pods.state import OOM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.clients.engines.model import Credential
    from mcci.clients.registry.credentials import Credentials
    from mcci.clients.registry.reference import Reference

AT_ONCE = 16  # pulls, starts and commands in containers

logger = logging.getLogger(__name__)


class _Started(Protocol):
    """A container, whoever runs it; see `mcci.clients.pods.model.Started`."""

    def follow(self, log: Callable[[bytes], None], /) -> int: ...
    def signal(self, number: int, /) -> None: ...
    def execute(self, command: tuple[str, ...], /) -> tuple[int, str]: ...


class _Backend(Protocol):
    """Who runs containers."""

    def facts(self, image: Reference, credential: Credential, policy: str, /) -> ImageFacts: ...
    def start(self, spec: Start, owner: str, /) -> _Started: ...
    def clean(self, owner: str, /) -> None: ...


def choose(images: Path, *, engines: bool) -> _Backend:
    """Return the engine where one may be used and answers, else this machine's processes, with images in `images`."""
    if engines and engine.answers() and not engine.elsewhere():
        return engine
    return processes.Processes(images)


class RealRuntime:
    """Containers of an owner; `backend` is who runs them."""

    PATIENT = True

    def __init__(self, backend: _Backend, owner: str) -> None:
        self._backend, self._owner = backend, owner
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"pods of {owner}")
        self._pulls: dict[str, asyncio.Lock] = {}

    async def pull(self, image: str, policy: str, annotations: Mapping[str, str]) -> Image:
        """Fetch an image, once however many pods want it."""
        async with self._pulls.setdefault(image, asyncio.Lock()):
            try:
                facts: ImageFacts = await self._call(self._backend.facts, reference.parse(image), _credential, policy)
            except Exception as error:  # an engine that dies raises what it likes, and the pod must go on
                raise PullFailed(str(error)) from error
        return Image(
            name=image, id=facts.id, present=facts.present, environment=facts.environment,
            entrypoint=facts.entrypoint, command=facts.command, user=facts.user, folder=facts.folder,
        )  # fmt: skip

    async def start(self, spec: ContainerSpec, log: Callable[[bytes], None]) -> RealContainer:
        """Start a container, and a thread that reads its output until it ends."""
        if not spec.command:
            raise StartFailed("the image has no command, and the container gives none")
        volumes = tuple(
            Volume(source=each.source, target=each.target, read_only=each.read_only) for each in spec.mounts
        )
        start = Start(
            label=f"{spec.pod}/{spec.name}", image=spec.image.name, command=spec.command, environment=spec.environment,
            user=spec.user, folder=spec.folder, volumes=volumes, read_only=spec.read_only, memory=spec.memory,
        )  # fmt: skip
        try:
            started = await self._call(self._backend.start, start, self._owner)
        except Exception as error:  # as above
            raise StartFailed(str(error)) from error
        return RealContainer(started, self._call, log, name=start.label)

    def clean(self) -> None:
        """End what an earlier process of this cluster left running."""
        with suppress(McciError):
            self._backend.clean(self._owner)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


class RealContainer:
    """A container that runs."""

    def __init__(self, started: _Started, call: Callable[..., Any], log: Callable[[bytes], None], *, name: str) -> None:
        self._started, self._call = started, call
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        threading.Thread(target=self._follow, args=(log,), name=f"output of {name}", daemon=True).start()

    async def wait(self) -> int:
        """Return its exit code."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL once the grace is over; returns when it has ended."""
        if grace > 0:
            await self._call(self._started.signal, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), grace)
        if not self._ended.done():
            await self._call(self._started.signal, signal.SIGKILL)
        await asyncio.shield(self._ended)

    async def ask(self, probe: Probe) -> str:
        """Ask a probe."""
        return await asking.ask(probe, self.execute)

    async def execute(self, command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        """Run a command in it."""
        code, output = await self._call(self._started.execute, command)
        return int(code), str(output)

    def _follow(self, log: Callable[[bytes], None]) -> None:
        code = 255
        try:
            code = self._started.follow(log)
        except Exception as error:
            logger.warning("a container is lost: %s", error)
        finally:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._end, OOM if code == OUT_OF_MEMORY else code)

    def _end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)


def _credential(host: str) -> Credentials | None:
    return credentials.find(host, os.environ)
