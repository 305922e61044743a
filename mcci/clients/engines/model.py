"""What engines are told and what they tell: the same words whichever engine builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from mcci.clients.registry.credentials import Credentials
from mcci.clients.registry.reference import Reference
from mcci.errors import McciError, ServiceFailed


class Kind(Enum):
    """What an event tells of."""

    LINE = "line"
    STEP = "step"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something an engine said: a line of its log, the begin of step `number` of `total`, or a layer on its way.

    A transfer has the layer's short id as `layer` and `number` of `total` bytes; `total` is 0 where it is not known.
    """

    kind: Kind
    text: str = ""
    number: int = 0
    total: int = 0
    layer: str = ""


Emit = Callable[[Event], None]
# the credentials for a registry's host, or None
Credential = Callable[[str], Credentials | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to build.

    `dockerfile` is its text, whose path in the repository is `dockerfile_path`; `ignore` the text of the .dockerignore
    that counts; `secrets` the values by id; `bases` the hosts of the base images; `cache` an image whose layers may be
    used again; `timestamp` the second that a reproducible engine gives every file; `network` what RUN reaches, empty
    for the engine's own choice; `fresh` that no layer of an earlier build is used.
    """

    image: Reference
    context: Path
    dockerfile: str
    dockerfile_path: str
    ignore: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    bases: tuple[str, ...] = ()
    cache: Reference | None = None
    timestamp: int = 0
    network: str = ""
    insecure: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An image to run for its tests: the ports it listens on, and variables beside its own."""

    image: Reference
    ports: tuple[int, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    insecure: bool = False


class Container(Protocol):
    """A container that runs."""

    def addresses(self, port: int) -> tuple[str, ...]:
        """Return the `host:port` at which its `port` may answer, the likeliest first."""

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""

    def log(self) -> str:
        """Return what it has said so far, both streams."""


class Engine(Protocol):
    """What a module of this folder is: an engine that builds, pushes and runs images."""

    NAME: str
    # what a Dockerfile may ask for: BuildKit's secrets and mounts
    HAS_SECRETS: bool

    def check(self) -> str:
        """Return the engine's name and version. Raises `UsageError` or `ServiceFailed` when it cannot be used."""

    def build(self, build: Build, credential: Credential, emit: Emit) -> None:
        """Build an image into the engine's own store. Raises `BuildFailed`, `EngineFailed` or `UsageError`."""

    def push(self, image: Reference, credential: Credential, emit: Emit, *, insecure: bool) -> str:
        """Push an image under its tag, and return its digest; empty when the engine does not tell."""

    def running(self, run: Run, credential: Credential, emit: Emit) -> AbstractContextManager[Container]:
        """Pull an image by its digest and run it; whatever happens, the container is gone at the end."""

    def stop(self) -> None:
        """End what is at work in other threads, because the process is ending."""


class BuildFailed(McciError):
    """The Dockerfile could not be built; `log` are the log's last lines."""

    def __init__(self, message: str, log: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.log = log


class EngineFailed(ServiceFailed):
    """The engine, or what it reached for, failed; `log` are the log's last lines."""

    def __init__(self, message: str, log: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.log = log
