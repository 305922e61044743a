"""A cluster with everything that makes it live: its API, its controllers, and the node that runs its pods."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers.context import Context
from mcci.lab.clusters.controllers.manager import Manager
from mcci.lab.clusters.pods import logs
from mcci.lab.clusters.pods.node import NETWORK, Node
from mcci.lab.clusters.status import bad_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from mcci.lab.clusters.api.logs import LogQuery
    from mcci.lab.clusters.cluster import Cluster
    from mcci.lab.clusters.pods.model import Runtime

Object = dict[str, Any]


@contextmanager
def workloads(
    cluster: Cluster, *, runtime: Runtime | None = None, network: str = NETWORK, folder: Path | None = None
) -> Iterator[Node]:
    """Run a cluster's controllers, and its pods with `runtime` (default: fakes), at addresses of `network`.

    Its logs and volumes are in `folder` (default: below the cluster's own).
    """
    context = Context(store=cluster.store)
    manager = Manager(context)
    node = Node(context, runtime, network=network, folder=folder or cluster.folder / "pods")
    manager.start()
    try:
        node.start()
        cluster.api.logs = _Logs(node)
        try:
            yield node
        finally:
            node.stop()
    finally:
        manager.stop()


class _Logs:
    """The logs of a node's pods, as the API asks for them."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __call__(self, pod: Object, query: LogQuery, /) -> AsyncIterator[bytes]:
        metadata = pod["metadata"]
        place = metadata["namespace"], metadata["name"]
        path, ended = self._node.log_of(*place, query.container, previous=query.previous)
        if path is None:
            which = "previous terminated container" if query.previous else "container"
            raise bad_request(f'{which} "{query.container}" in pod "{metadata["name"]}" is waiting to start')
        options = logs.LogOptions(
            tail=query.tail, since=query.since, timestamps=query.timestamps, limit_bytes=query.limit_bytes
        )
        return logs.follow(path, options, ended) if query.follow else _once(path, options)


async def _once(path: Path, options: logs.LogOptions) -> AsyncIterator[bytes]:
    yield logs.read(path, options)
