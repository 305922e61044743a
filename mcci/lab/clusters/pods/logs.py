"""Containers' logs: files of lines with the time before each, and how they are read back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

POLL = 0.1  # seconds between two looks for new lines


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What the API's log request asks for."""

    tail: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    limit_bytes: int | None = None


class LogFile:
    """A log that is being written. Complete lines only, so that no reader sees half a one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._rest = b""

    def write(self, piece: bytes) -> None:
        """Take a piece of output."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
        if lines and not self._file.closed:
            self._file.write(b"".join(b"%s %s\n" % (at, line) for line in lines))

    def close(self) -> None:
        """End; a last line without an end is kept."""
        if self._rest:
            self.write(b"\n")
        self._file.close()


def read(path: Path, options: LogOptions) -> bytes:
    """Return the lines asked for; nothing where there is no log yet."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return b""
    shown = list(_wanted(lines, options))
    if options.tail is not None:
        shown = shown[-options.tail :] if options.tail else []
    return b"".join(shown)[: options.limit_bytes]


async def follow(path: Path, options: LogOptions, ended: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Give the lines asked for, then new ones, until the container has ended."""
    position = path.stat().st_size if path.exists() else 0
    if first := read(path, options):
        yield first
    while True:
        last = ended()
        if path.exists() and path.stat().st_size > position:
            with path.open("rb") as file:
                file.seek(position)
                new = file.read()
            position += len(new)
            yield b"".join(_wanted(new.splitlines(keepends=True), options))
        elif last:
            return
        else:
            await asyncio.sleep(POLL)


def since_seconds(seconds: int) -> datetime:
    """Return the moment so long ago."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def _wanted(lines: list[bytes], options: LogOptions) -> Iterator[bytes]:
    since = options.since.strftime("%Y-%m-%dT%H:%M:%S.%f").encode() if options.since else b""
    for line in lines:
        at, _, text = line.partition(b" ")
        if at >= since:
            yield line if options.timestamps else text
