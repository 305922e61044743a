"""What the node and its container runtime tell each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

Object = dict[str, Any]
# (`ConfigMap` or `Secret`, name) → its data; None where there is no such object
Lookup = Callable[[str, str], dict[str, bytes] | None]


class PullFailed(Exception):
    """The image cannot be had."""


class StartFailed(Exception):
    """The container cannot be made or started."""


class ConfigFailed(Exception):
    """The container's configuration names what is not there: a ConfigMap, a Secret, a key."""


class ProbeKind(Enum):
    """What a probe is for."""

    STARTUP = "Startup"
    READINESS = "Readiness"
    LIVENESS = "Liveness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that is on the node. `id` is `repository@sha256:…` where its digest is known."""

    name: str
    id: str
    present: bool = False  # it was there before
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or folder of the node that the container sees."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container to start. `ends` says that it is expected to end by itself; the environment is complete."""

    pod: str  # namespace/name
    pod_uid: str
    name: str
    image: Image
    command: tuple[str, ...]
    folder: str
    address: str
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mounts: tuple[Mount, ...] = ()
    read_only: bool = False
    memory: int = 0  # bytes it may use at most; 0 for any
    ends: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question to a container: the `action` is an httpGet, tcpSocket, grpc or exec as the API writes it."""

    kind: ProbeKind
    address: str
    ports: Mapping[str, int]
    action: Object
    timeout: float


class Running(Protocol):
    """A container that was started."""

    async def wait(self) -> int:
        """Return its exit code, once it has ended."""

    async def stop(self, grace: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace` seconds."""

    async def ask(self, probe: Probe) -> str:
        """Return "" where the probe's answer is good, else why it is not."""

    async def execute(self, command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        """Run a command in the container; return its exit code and output."""


class Runtime(Protocol):
    """What runs containers."""

    # Whether time passes as on a real node: first probes wait their delay, and a stop its hooks.
    PATIENT: bool

    async def pull(self, image: str, policy: str, annotations: Mapping[str, str]) -> Image:
        """Return the image, fetched as `policy` (IfNotPresent, Always, Never) says. Raises `PullFailed`."""

    async def start(self, spec: ContainerSpec, log: Callable[[bytes], None]) -> Running:
        """Start a container; every piece of its output goes to `log`, from any thread. Raises `StartFailed`."""

    def clean(self) -> None:
        """End whatever an earlier process of this cluster has left running."""
