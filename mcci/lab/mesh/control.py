"""The lab's control plane: it watches the clusters as istiod does, and gives each cluster's Envoy its world anew.

One thread a cluster and kind watches; one thread writes. A change of many objects at once (a deploy) is written once.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from mcci.clients.kubernetes.api import (
    DESTINATION_RULE,
    GATEWAY,
    POD,
    SERVICE,
    VIRTUAL_SERVICE,
    Kind,
    NotAllowed,
    Refused,
    Unreachable,
)
from mcci.lab.mesh import objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mcci.clients.kubernetes.api import Change, ClusterApi
    from mcci.lab.mesh.model import Json, World
    from mcci.lab.mesh.proxy import Proxy

KINDS = (SERVICE, POD, VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY)
SETTLE = 0.01  # seconds: what changes together is written together
WATCH = 600.0  # seconds of one watch
AGAIN = 0.5  # seconds until a cluster that did not answer is asked again


class ControlPlane:
    """Keeps the proxies of a mesh's clusters at what the clusters say, from `start` to `stop`."""

    def __init__(
        self,
        apis: Mapping[str, ClusterApi],
        proxies: Mapping[str, Proxy],
        *,
        config_clusters: Iterable[str],
        seen: Callable[[str, World], World] = lambda _cluster, world: world,
        say: Callable[[str], None] = lambda _: None,
        written: Callable[[str, World], None] = lambda _cluster, _world: None,
    ) -> None:
        """`config_clusters` hold the Istio objects: a cluster that is none of them follows the first.

        `seen` returns a world as a cluster reaches it. `say` hears, once each, what of an Istio object could not be
        translated; `written` hears of every world that a cluster's proxy was given.
        """
        self._apis = apis
        self._proxies = proxies
        self._config = tuple(config_clusters)
        self._seen = seen
        self._say = say
        self._written = written
        self._said: set[str] = set()
        self._found: dict[tuple[str, Kind], dict[tuple[str, str], Json]] = {
            (cluster, kind): {} for cluster in apis for kind in KINDS
        }
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Read every cluster, write every proxy's files, and go on in threads. Raises what a cluster raises."""
        for cluster, api in self._apis.items():
            for kind in KINDS:
                self._found[cluster, kind] = {_key(each): each for each in api.list(kind)}
        self.write()
        for cluster in self._apis:
            for kind in KINDS:
                self._run(self._watch, cluster, kind)
        self._run(self._keep_writing)

    def stop(self) -> None:
        """Stop watching. The threads end with their watch, and never hold the process up."""
        self._stopped.set()
        self._changed.set()

    def world(self, cluster: str) -> World:
        """Return what the proxy of `cluster` has to know now."""
        config = cluster if cluster in self._config else self._config[0]
        with self._lock:
            found = objects.world(
                self._objects(cluster, SERVICE),
                {each: self._objects(each, POD) for each in self._apis},
                self._objects(config, VIRTUAL_SERVICE),
                self._objects(config, DESTINATION_RULE),
                self._objects(config, GATEWAY),
            )
        return self._seen(cluster, found)

    def write(self) -> None:
        """Give every proxy its world."""
        for cluster, proxy in self._proxies.items():
            world = self.world(cluster)
            self._written(cluster, world)
            for unknown in proxy.write(world):
                if unknown not in self._said:
                    self._said.add(unknown)
                    self._say(f"{cluster}: the lab's mesh does not know {unknown}")

    def _objects(self, cluster: str, kind: Kind) -> list[Json]:
        return list(self._found[cluster, kind].values())

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name=f"mesh {arguments}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _watch(self, cluster: str, kind: Kind) -> None:
        while not self._stopped.is_set():
            try:
                for change in self._apis[cluster].watch(kind, "", seconds=WATCH):
                    if self._stopped.is_set():
                        return
                    self._take(cluster, kind, change)
            except (Unreachable, NotAllowed, Refused):
                # a cluster that is away keeps what it had: so does a real proxy that lost its control plane
                self._stopped.wait(AGAIN)

    def _take(self, cluster: str, kind: Kind, change: Change) -> None:
        key = _key(change.object)
        with self._lock:
            found = self._found[cluster, kind]
            if change.type == "DELETED":
                found.pop(key, None)
            elif found.get(key) == change.object:
                return
            else:
                found[key] = change.object
        self._changed.set()

    def _keep_writing(self) -> None:
        while self._changed.wait() and not self._stopped.is_set():
            time.sleep(SETTLE)
            self._changed.clear()
            self.write()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _key(found: Json) -> tuple[str, str]:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
