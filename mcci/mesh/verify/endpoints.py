"""Whether a control plane sees the other clusters' endpoints, as its own debugging pages tell it.

Asked inside its pod, where Istio answers without credentials. A page that cannot be asked, or read, is said so.

Source: https://istio.io/latest/docs/ops/diagnostic-tools/proxy-cmd/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcci.clients.kubectl import NotRun
from mcci.mesh.verify.model import Result, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.mesh.plan import Member, Plan

CLUSTERS, SHARDS = "/debug/clusterz", "/debug/endpointShardz"
SYNCED = "synced"
Asking = Callable[[str], str]  # a page's path → its text; raises `NotRun`


def request(page: str) -> tuple[str, ...]:
    """Return the program that asks a control plane's page, in its own container."""
    return ("pilot-discovery", "request", "GET", page)


def check(member: Member, plan: Plan, ask: Asking, namespaces: tuple[str, ...]) -> Iterator[Result]:
    """A control plane follows every cluster that it watches, and has endpoints of the application from each."""
    watched = tuple(each.name for each in plan.watched_by(member))
    if not watched:
        return
    yield from _synced(member.name, watched, ask)
    yield from _endpoints(member.name, (member.name, *watched), ask, namespaces)


def _synced(name: str, watched: tuple[str, ...], ask: Asking) -> Iterator[Result]:
    try:
        states = sync_states(json.loads(ask(CLUSTERS)))
    except (NotRun, ValueError) as error:
        yield _unchecked(name, "clusters seen", error)
        return
    away = [f"{each} ({states.get(each, 'unknown to it')})" for each in watched if states.get(each) != SYNCED]
    if away:
        advice = "Can its pods reach that API server? The log of istiod tells more."
        yield Result(
            cluster=name,
            check="clusters seen",
            status=Status.FAILED,
            found=f"not followed: {', '.join(away)}",
            advice=advice,
        )
    else:
        yield Result(cluster=name, check="clusters seen", status=Status.OK, found=", ".join(watched))


def _endpoints(name: str, clusters: tuple[str, ...], ask: Asking, namespaces: tuple[str, ...]) -> Iterator[Result]:
    try:
        counts = endpoint_counts(json.loads(ask(SHARDS)), namespaces)
    except (NotRun, ValueError) as error:
        yield _unchecked(name, "endpoints", error)
        return
    words = ", ".join(f"{each} {counts.get(each, 0)}" for each in clusters)
    missing = [each for each in clusters if not counts.get(each)]
    status = Status.WARNING if missing else Status.OK
    advice = f"Nothing of the application runs in {', '.join(missing)}, or it is not seen." if missing else ""
    yield Result(cluster=name, check="endpoints", status=status, found=words, advice=advice)


def sync_states(document: Any) -> dict[str, str]:
    """Return each cluster's state from what /debug/clusterz answers. Raises ValueError for another shape."""
    if not isinstance(document, list):
        raise ValueError("the page has another form than is known")
    return {
        str(each["id"]): str(each.get("syncStatus", "")) for each in document if isinstance(each, dict) and "id" in each
    }


def endpoint_counts(document: Any, namespaces: tuple[str, ...]) -> dict[str, int]:
    """Return each cluster's number of endpoints in these namespaces, from what /debug/endpointShardz answers.

    It has, by host and namespace, `Shards` from `PROVIDER/CLUSTER` to endpoints. Raises ValueError for another shape.
    """
    if not isinstance(document, dict):
        raise ValueError("the page has another form than is known")
    counts: dict[str, int] = {}
    for by_namespace in document.values():
        for namespace, entry in by_namespace.items() if isinstance(by_namespace, dict) else ():
            if namespace not in namespaces or not isinstance(entry, dict):
                continue
            for shard, endpoints in (entry.get("Shards") or {}).items():
                cluster = str(shard).partition("/")[2]
                counts[cluster] = counts.get(cluster, 0) + len(endpoints or [])
    return counts


def _unchecked(name: str, check: str, error: Exception) -> Result:
    return Result(cluster=name, check=check, status=Status.UNCHECKED, found=f"its istiod could not be asked: {error}")
