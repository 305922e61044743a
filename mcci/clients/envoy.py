"""Envoy's administration: the weights that a proxy routes by.

Source: https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--config_dump
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 5.0  # seconds


class ProxyFailed(ServiceFailed):
    """A proxy's administration did not answer, or not as Envoy's does."""


def splits(url: str) -> tuple[dict[str, int], ...]:
    """Return where each route and TCP proxy of the Envoy at `url` sends: weights by cluster name, those above 0.

    Raises `ProxyFailed`.
    """
    import httpx

    try:
        reply = httpx.get(f"{url.rstrip('/')}/config_dump", timeout=TIMEOUT)
        reply.raise_for_status()
        return tuple(found(reply.json()))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
        raise ProxyFailed(f"the proxy at {url} does not tell its routes: {type(error).__name__}: {error}") from error


def found(dump: Any) -> Iterator[dict[str, int]]:
    """Give each split in a configuration dump, wherever it stands; a route to one cluster gives that one all."""
    if isinstance(dump, dict):
        weighted = dump.get("weighted_clusters")
        if isinstance(weighted, dict) and isinstance(weighted.get("clusters"), list):
            weights = {str(each.get("name")): int(each.get("weight") or 0) for each in weighted["clusters"]}
            yield {name: weight for name, weight in weights.items() if weight}
        elif isinstance(dump.get("cluster"), str):
            yield {dump["cluster"]: 100}
        for value in dump.values():
            yield from found(value)
    elif isinstance(dump, list):
        for value in dump:
            yield from found(value)


def endpoints(url: str) -> dict[str, tuple[str, ...]]:
    """Return the addresses behind each cluster of the Envoy at `url`, by the cluster's name. Raises `ProxyFailed`."""
    import httpx

    try:
        reply = httpx.get(f"{url.rstrip('/')}/clusters", params={"format": "json"}, timeout=TIMEOUT)
        reply.raise_for_status()
        return {
            each["name"]: tuple(host["address"]["socket_address"]["address"] for host in each.get("host_statuses", ()))
            for each in reply.json()["cluster_statuses"]
        }
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
        raise ProxyFailed(f"the proxy at {url} does not tell its endpoints: {error!r}") from error
