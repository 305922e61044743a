"""A kubelet for the real API that runs nothing: the lab's own node with its fake runtime, on a store that is far away.

So the lab's node is held against a real API server, too.
"""

from __future__ import annotations

import contextlib
import copy
import http.server
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx

from mcci.lab.clusters.controllers.context import Context
from mcci.lab.clusters.pods import logs
from mcci.lab.clusters.pods.node import Node
from mcci.lab.clusters.resources import NODES, PODS
from mcci.lab.clusters.status import ApiError
from tests.contract.api import Api, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcci.lab.clusters.resources import Resource
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]
# A real API takes no loopback addresses into Endpoints, as the lab does.
NETWORK = "10.64.0.0/16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An event of a watch, as the lab's store tells it."""

    type: str
    object: Object


class RemoteStore:
    """As much of the lab's store as a node needs, spoken to a real API server."""

    def __init__(self, api: Api, kubelet_port: int) -> None:
        self._api, self._port = api, kubelet_port
        self._stopped = threading.Event()

    def get(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """Return one object."""
        reply = self._api.get(path_of(resource, namespace, name))
        return None if reply.status_code == 404 else _checked(reply)

    def create(self, resource: Resource, body: Object) -> Object:
        """Make an object; a Node says where its kubelet listens."""
        if resource is NODES:
            body["status"]["daemonEndpoints"] = {"kubeletEndpoint": {"Port": self._port}}
        return _checked(self._api.post(path_of(resource, body["metadata"].get("namespace", "")), body))

    def change(self, resource: Resource, name: str, namespace: str, edit: Callable[[Object], None]) -> Object:
        """Read, edit and write; a Pod's node by a binding, and its status apart."""
        path = path_of(resource, namespace, name)
        for _ in range(20):
            current = _checked(self._api.get(path))
            wanted = copy.deepcopy(current)
            edit(wanted)
            if resource is PODS and wanted["spec"].get("nodeName") != current["spec"].get("nodeName"):
                target = {"apiVersion": "v1", "kind": "Node", "name": wanted["spec"]["nodeName"]}
                binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
                _checked(self._api.post(f"{path}/binding", binding))
                return _checked(self._api.get(path))
            if wanted == current:
                return current
            reply = self._api.put(f"{path}/status" if resource is PODS else path, wanted)
            if reply.status_code != 409:
                return _checked(reply)
        raise AssertionError(f"{name} changes too fast")

    def delete(
        self, resource: Resource, name: str, namespace: str = "", *, grace_seconds: int, preconditions: Object
    ) -> Object:
        """Delete an object."""
        body = {"gracePeriodSeconds": grace_seconds, "preconditions": preconditions}
        return _checked(self._api.delete(path_of(resource, namespace, name), body))

    def watch(self, resource: Resource, sink: Callable[[Change], None]) -> Callable[[], None]:
        """Tell what there is, then what changes, from a thread of its own."""
        threading.Thread(target=self._watch, args=(resource, sink), daemon=True).start()
        return self._stopped.set

    def _watch(self, resource: Resource, sink: Callable[[Change], None]) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(httpx.HTTPError):
                listed = _checked(self._api.get(path_of(resource)))
                for item in listed["items"]:
                    sink(Change(type="ADDED", object={"kind": resource.kind, **item}))
                since = listed["metadata"]["resourceVersion"]
                for event in self._api.watch(path_of(resource), resourceVersion=since, timeoutSeconds="300"):
                    if self._stopped.is_set():
                        return
                    if event["type"] == "ERROR":
                        break
                    sink(Change(type=event["type"], object=event["object"]))
            time.sleep(0.2)


def _checked(reply: httpx.Response) -> Object:
    body: Object = reply.json()
    if reply.is_error:
        raise ApiError(reply.status_code, body.get("reason", ""), body.get("message", ""))
    return body


@contextlib.contextmanager
def running(api: Api, certificate: Path, key: Path, folder: Path) -> Iterator[Node]:
    """Run a node whose pods are fakes, and the port at which the API server asks it for logs."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Logs)
    trusted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trusted.load_cert_chain(certificate, key)
    server.socket = trusted.wrap_socket(server.socket, server_side=True)
    store = RemoteStore(api, server.server_address[1])
    node = Node(Context(store=cast("Store", store)), name="fake-node", network=NETWORK, folder=folder)
    _Logs.node = node
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    node.start()
    try:
        yield node
    finally:
        node.stop()
        server.shutdown()
        server.server_close()
        thread.join()


class _Logs(http.server.BaseHTTPRequestHandler):
    node: Node

    def do_GET(self) -> None:
        """Answer /containerLogs/NAMESPACE/POD/CONTAINER."""
        url = urlsplit(self.path)
        _, _, namespace, pod, container = url.path.split("/")
        asked = {key: values[-1] for key, values in parse_qs(url.query).items()}
        path, _ = self.node.log_of(namespace, pod, container, previous=asked.get("previous") == "true")
        tail = int(asked["tailLines"]) if "tailLines" in asked else None
        options = logs.LogOptions(tail=tail, timestamps=asked.get("timestamps") == "true")
        body = logs.read(path, options) if path else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
