"""A job's log: kept in a file, cut at GitLab's limit, without the masked values, even those that come in pieces."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIMIT = 4 * 2**20  # bytes; GitLab Runner's `output_limit`, 4096 KB
MASK = b"[MASKED]"
CUT = (
    b"\n\x1b[33;1mJob's log exceeded limit of %d bytes.\n"
    b"Job execution will continue but no more output will be collected.\x1b[0;m\n"
)


class Trace:
    """The log of one job. Bytes may come in any pieces; readers see whole lines or what is there."""

    def __init__(self, path: Path) -> None:
        """`path` may be there already, from before a restart."""
        self.path = path
        self.size = path.stat().st_size if path.exists() else 0
        self.cut = self.size > LIMIT
        self._lock = threading.Lock()

    def append(self, data: bytes, at: int | None = None) -> int | None:
        """Add `data` at offset `at` (default: the end), and return the size; None where `at` leaves a gap."""
        with self._lock:
            if at is not None:
                if at > self.size and not self.cut:
                    return None
                data = data[self.size - at :] if at <= self.size else b""
            if not data or self.cut:
                return self.size if not self.cut else (at or 0) + len(data)
            room = LIMIT - self.size
            if len(data) > room:
                data = data[:room] + CUT % LIMIT
                self.cut = True
            with self.path.open("ab") as file:
                file.write(data)
            self.size += len(data)
            return self.size

    def read(self, start: int = 0, count: int | None = None) -> bytes:
        """Return the log from byte `start` on."""
        if not self.size:
            return b""
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read() if count is None else file.read(count)


class Masker:
    """Takes secret values out of a stream, also where a value is split over pieces. Used on the runner's side.

    What may be the beginning of a secret is held back until it is known not to be one: `flush` gives it.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({each.encode() for each in secrets if each}, key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown of the stream after `data`."""
        whole = self._held + data
        cut = len(whole) - max((_overlap(whole, secret) for secret in self._secrets), default=0)
        while (start := self._crossing(whole, cut)) is not None:
            cut = start
        self._held = whole[cut:]
        return self._masked(whole[:cut])

    def flush(self) -> bytes:
        """Return what is left at the end."""
        held, self._held = self._held, b""
        return self._masked(held)

    def _crossing(self, whole: bytes, cut: int) -> int | None:
        """Return where a secret begins that lies on both sides of `cut`."""
        for secret in self._secrets:
            start = whole.find(secret, max(0, cut - len(secret) + 1), cut + len(secret) - 1)
            if start != -1 and start < cut:
                return start
        return None

    def _masked(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, MASK)
        return data


def _overlap(data: bytes, secret: bytes) -> int:
    """Return the length of the longest end of `data` that begins `secret`."""
    for length in range(min(len(secret) - 1, len(data)), 0, -1):
        if secret.startswith(data[-length:]):
            return length
    return 0
