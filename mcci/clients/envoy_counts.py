"""Envoy's own counters: how many requests went to each of its clusters, and how many of them failed.

Source: https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients.envoy import TIMEOUT, ProxyFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTER = r"^cluster\.outbound.*\.upstream_rq_(total|5xx)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Requests to a cluster so far (connections, where Envoy forwards those), and how many callers got a 5xx for."""

    requests: int = 0
    failed: int = 0


def counts(url: str) -> Mapping[str, Count]:
    """Return the counts by cluster (`outbound|8080|v2|staff-service/vehicles/…`). Raises `ProxyFailed`."""
    import httpx

    try:
        reply = httpx.get(f"{url.rstrip('/')}/stats", params={"filter": FILTER}, timeout=TIMEOUT)
        reply.raise_for_status()
        pairs = (line.rpartition(": ") for line in reply.text.splitlines())
        found = {name.removeprefix("cluster."): int(value) for name, _, value in pairs}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProxyFailed(f"the proxy at {url} does not tell its counters: {error!r}") from error
    names = {name.rpartition(".")[0] for name in found}
    return {
        name: Count(requests=found.get(f"{name}.upstream_rq_total", 0), failed=found.get(f"{name}.upstream_rq_5xx", 0))
        for name in names
    }


def requests(url: str) -> Mapping[str, int]:
    """Return the requests by cluster. Raises `ProxyFailed`."""
    return {name: each.requests for name, each in counts(url).items()}
