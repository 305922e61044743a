"""How many requests a cluster got: benchmarks count what a deploy costs the API server."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Requests:
    """Counted by verb (`get`, `list`, `watch`, `create`, …) and path, without the query."""

    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, verb: str, path: str) -> None:
        """Note one more."""
        with self._lock:
            self._counts[verb, path] += 1

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Requests by (verb, path)."""
        with self._lock:
            return dict(self._counts)

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.counts.values())

    def clear(self) -> None:
        """Start again from none."""
        with self._lock:
            self._counts.clear()

    def document(self) -> dict[str, Any]:
        """As the lab's own endpoint `/lab/requests` shows it."""
        rows = [{"verb": verb, "path": path, "count": count} for (verb, path), count in sorted(self.counts.items())]
        return {"total": sum(row["count"] for row in rows), "requests": rows}
