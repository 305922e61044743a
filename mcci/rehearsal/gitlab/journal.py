"""What was done to the local GitLab, a line each: read again, it makes the same state. So a kill -9 loses nothing.

A line is whole once it ends; what a dying process left without an end is cut off. The file holds the variables that
pipelines were started with, so it is its owner's alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Journal:
    """A file that only grows. One process writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            self._cut()
        else:
            path.touch(0o600)

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what was written. Raises `ServiceFailed` for a line that is no entry."""
        with self._path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    entry = json.loads(line)
                except ValueError as error:
                    raise ServiceFailed(f"{self._path}:{number}: this is no line of a journal: {error}") from error
                yield entry

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add an entry; it is there when this returns, whatever becomes of the process."""
        with self._path.open("ab") as file:
            file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")

    def _cut(self) -> None:
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self._path.open("r+b") as file:
                file.truncate(whole)
