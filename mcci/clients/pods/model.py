"""What a pod's container is started from, and what is known of an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mcci.errors import McciError

OUT_OF_MEMORY = 1000  # no exit code: the container was ended because it used more memory than it may


class NotStarted(McciError):
    """The container cannot be made or started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image says of itself. `id` is `repository@sha256:…` where its digest is known."""

    name: str
    id: str
    present: bool
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A file or folder of this machine that the container sees."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A container to start: `label` names it among all of one owner's; the environment is complete."""

    label: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    user: str = ""
    folder: str = ""
    volumes: tuple[Volume, ...] = ()
    read_only: bool = False
    memory: int = 0


class Started(Protocol):
    """A container that was started. Every method may block; each may be called from another thread."""

    def follow(self, log: object, /) -> int:
        """Hand its output on piece by piece until it ends; return its exit code."""

    def signal(self, number: int) -> None:
        """Send it a signal; does nothing once it has ended."""

    def execute(self, command: tuple[str, ...]) -> tuple[int, str]:
        """Run a command in it; return the exit code and the output."""
