"""The node: takes the pods that nobody runs yet, and ends those that are deleted. One thread, and asyncio in it."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers import conditions
from mcci.lab.clusters.controllers.context import Context
from mcci.lab.clusters.controllers.pod_state import has_ended
from mcci.lab.clusters.pods.fake import FakeRuntime
from mcci.lab.clusters.pods.sandbox import Sandbox
from mcci.lab.clusters.pods.state import HOST
from mcci.lab.clusters.resources import NODES, PODS
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.lab.clusters.history import Event
    from mcci.lab.clusters.pods.model import Runtime

Object = dict[str, Any]
NETWORK = "127.64.0.0/16"

logger = logging.getLogger(__name__)


class Node:
    """The one node of a cluster, at work between `start` and `stop`.

    `network` is where its pods' addresses are from; `folder` holds their volumes and logs (default: a temporary one).
    """

    def __init__(
        self,
        context: Context,
        runtime: Runtime | None = None,
        *,
        name: str = "lab",
        network: str = NETWORK,
        folder: Path | None = None,
    ) -> None:
        self.context, self.name = context, name
        self._runtime = runtime or FakeRuntime()
        self._temporary = folder is None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="mcci-lab-"))
        self._addresses = _addresses(network)
        self._pods: dict[str, Sandbox] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name=f"node {name}", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Run the pods there are, and those that come."""
        self._runtime.clean()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._register()
        self._thread.start()
        self._unsubscribe = self.context.store.watch(PODS, self._tell)

    def stop(self) -> None:
        """End all containers. The pods' objects stay as they are: the next start runs them again."""
        self._unsubscribe()
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def log_of(
        self, namespace: str, name: str, container: str, *, previous: bool
    ) -> tuple[Path | None, Callable[[], bool]]:
        """Return the file with a container's log, None where there is none, and what says whether it has ended.

        Raises KeyError where the pod has no such container.
        """
        pod = next((each for each in list(self._pods.values()) if _place(each.pod) == (namespace, name)), None)
        if pod is None:
            return None, lambda: True
        found = pod.find(container)
        if found is None:
            raise KeyError(container)
        path = found.previous_log if previous else found.log
        return path, lambda: found.running is None or path != found.log

    def _register(self) -> None:
        if self.context.store.get(NODES, self.name) is not None:
            return
        body: Object = {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.name, "labels": {
                "kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "mcci.io/test-double": "true",
            }},
            "spec": {},
            "status": {
                "addresses": [{"type": "InternalIP", "address": HOST}, {"type": "Hostname", "address": self.name}],
                "capacity": {"pods": "250"}, "allocatable": {"pods": "250"},
                "nodeInfo": {"kubeletVersion": "mcci-lab", "osImage": "mcci lab: a test double"},
            },
        }  # fmt: skip
        message = "the lab runs the pods"
        conditions.set_condition(body["status"], "Ready", True, "KubeletReady", message, self.context.now())
        with suppress(ApiError):
            self.context.store.create(NODES, body)

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _tell(self, event: Event) -> None:
        with suppress(RuntimeError):  # the loop ended in this moment
            self._loop.call_soon_threadsafe(self._seen, event)

    def _seen(self, event: Event) -> None:
        pod = event.object
        uid = pod["metadata"]["uid"]
        sandbox = self._pods.get(uid)
        if event.type == "DELETED":
            if sandbox:
                self._keep(self._gone(uid, sandbox))
        elif "deletionTimestamp" in pod["metadata"]:
            self._keep(self._leave(pod, sandbox))
        elif sandbox is None and not has_ended(pod):
            self._take(pod)

    def _take(self, pod: Object) -> None:
        metadata = pod["metadata"]
        with suppress(ApiError):
            if "nodeName" not in pod["spec"]:
                pod = self._schedule(pod)
            place = f"{metadata['namespace']}/{metadata['name']}"
            address = next(self._addresses)
            sandbox = Sandbox(
                pod, context=self.context, runtime=self._runtime, address=address, node=self.name, folder=self._folder
            )
            self._pods[metadata["uid"]] = sandbox
            task = self._tasks[metadata["uid"]] = self._loop.create_task(sandbox.run(), name=place)
            task.add_done_callback(_complain)

    def _schedule(self, pod: Object) -> Object:
        metadata = pod["metadata"]

        def edit(body: Object) -> None:
            body["spec"]["nodeName"] = self.name
            conditions.set_condition(body.setdefault("status", {}), "PodScheduled", True, "", "", self.context.now())

        bound = self.context.store.change(PODS, metadata["name"], metadata["namespace"], edit)
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {self.name}"
        self.context.event(PODS, pod, "Scheduled", message, component="default-scheduler")
        return bound

    async def _leave(self, pod: Object, sandbox: Sandbox | None) -> None:
        """End a pod's containers, then let its object go."""
        metadata = pod["metadata"]
        if sandbox:
            await sandbox.leave(float(metadata.get("deletionGracePeriodSeconds", 0)))
            self._cancel(metadata["uid"])
            sandbox.publish()
        with suppress(ApiError):
            uid = {"uid": metadata["uid"]}
            self.context.store.delete(PODS, metadata["name"], metadata["namespace"], grace_seconds=0, preconditions=uid)

    async def _gone(self, uid: str, sandbox: Sandbox) -> None:
        """Clear up after a pod whose object is no more."""
        await sandbox.kill()
        self._cancel(uid)
        sandbox.forget()
        self._pods.pop(uid, None)

    async def _end_all(self) -> None:
        await asyncio.gather(*(each.kill() for each in self._pods.values()), return_exceptions=True)
        current = asyncio.current_task()
        others = [each for each in asyncio.all_tasks(self._loop) if each is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _cancel(self, uid: str) -> None:
        if task := self._tasks.pop(uid, None):
            task.cancel()

    def _keep(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks[f"{id(task)}"] = task  # a task that nobody holds may be collected
        task.add_done_callback(lambda done: self._tasks.pop(f"{id(done)}", None))
        task.add_done_callback(_complain)


def _addresses(network: str) -> Iterator[str]:
    while True:
        yield from map(str, list(ipaddress.ip_network(network).hosts())[1:])


def _place(pod: Object) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _complain(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the lab's node failed on %s", task.get_name(), exc_info=error)
