"""When to ask again, and how long to wait: exponential, with full jitter so that many jobs do not come back together.

Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ; `Retry-After` is RFC 9110, 10.2.3.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient a client is; times in seconds."""

    attempts: int = 6
    first: float = 0.5
    longest: float = 30.0
    patience: float = 300.0  # the longest `Retry-After` that is waited for
    connect: float = 10.0
    silence: float = 60.0  # the longest that a peer may say nothing in the middle of an exchange

    def wait(self, attempt: int, asked: float | None = None) -> float:
        """Return how long to wait before the attempt after this one (counted from 1).

        `asked` is what the service asked for; a little is added, so that not everyone comes back at that moment.
        """
        ceiling = min(self.longest, self.first * 2 ** (attempt - 1))
        jitter = random.uniform(0, ceiling)  # noqa: S311 - spreads requests, keeps no secret
        return jitter if asked is None else asked + min(1.0, jitter)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, or None where it says nothing that can be read."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - (now or datetime.now(UTC))).total_seconds())
