"""How a service's traffic is split on the wire: counted by the Envoys of its mesh."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from mcci.clients import envoy_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIGMAS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Requests by version over some seconds."""

    service: str
    requests: Mapping[str, int]
    seconds: float

    @property
    def counted(self) -> int:
        """All requests."""
        return sum(self.requests.values())

    def share(self, version: str) -> float:
        """Return the share of a version, 0 to 1."""
        return self.requests.get(version, 0) / self.counted if self.counted else 0.0

    def fits(self, version: str, share: float) -> bool:
        """Whether such counts are likely at that weight: within four standard deviations of the binomial."""
        if not self.counted:
            return False
        expected = self.counted * share
        return abs(self.requests.get(version, 0) - expected) <= SIGMAS * sqrt(expected * (1 - share)) + (0 < share < 1)


def count(proxies: Iterable[str], service: str) -> dict[str, int]:
    """Return the requests to each version of `service` so far, by the Envoys at `proxies` (their admin pages)."""
    found: dict[str, int] = {}
    for url in proxies:
        for name, requests in envoy_counts.requests(url).items():
            _, _, version, host = name.split("|", 3)
            if version and host.split("/")[0] == service:
                found[version] = found.get(version, 0) + requests
    return found


def watch(proxies: Iterable[str], service: str, *, seconds: float) -> Split:
    """Return the split over the next `seconds`."""
    every = list(proxies)
    before, begun = count(every, service), time.monotonic()
    time.sleep(seconds)
    after = count(every, service)
    requests = {version: number - before.get(version, 0) for version, number in after.items()}
    return Split(service=service, requests=requests, seconds=time.monotonic() - begun)
