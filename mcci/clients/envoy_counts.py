"""Envoy's own counters: how many requests went to each of its clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.envoy import TIMEOUT, ProxyFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = ".upstream_rq_total"


def requests(url: str) -> Mapping[str, int]:
    """Return the requests by cluster (`outbound|8080|v2|staff-service/vehicles/…`). Raises `ProxyFailed`."""
    import httpx

    try:
        reply = httpx.get(
            f"{url.rstrip('/')}/stats", params={"filter": r"^cluster\.outbound.*upstream_rq_total$"}, timeout=TIMEOUT
        )
        reply.raise_for_status()
        pairs = (line.rpartition(": ") for line in reply.text.splitlines())
        return {name.removeprefix("cluster.").removesuffix(SUFFIX): int(value) for name, _, value in pairs}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProxyFailed(f"the proxy at {url} does not tell its counters: {error!r}") from error
