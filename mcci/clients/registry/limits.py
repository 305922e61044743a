"""Docker Hub's pull limit, as its answers tell it.

Source: https://docs.docker.com/docker-hub/usage/pulls/ (headers `ratelimit-limit: 100;w=21600`)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(r"(\d+)(?:;w=(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLimit:
    """How many pulls are left, of how many, in a window of so many seconds."""

    limit: int
    remaining: int
    window: int

    def __str__(self) -> str:
        hours = self.window / 3600
        within = f" in {hours:g} h" if self.window else ""
        return f"{self.remaining} of {self.limit} pulls{within} are left"


def parse(headers: Mapping[str, str]) -> PullLimit | None:
    """Return the limit, or None where the registry tells none."""
    limit = _HEADER.match(headers.get("ratelimit-limit", ""))
    remaining = _HEADER.match(headers.get("ratelimit-remaining", ""))
    if not limit or not remaining:
        return None
    return PullLimit(limit=int(limit[1]), remaining=int(remaining[1]), window=int(limit[2] or 0))
