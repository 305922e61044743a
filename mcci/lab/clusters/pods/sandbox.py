"""One pod on the node: its address, volumes and containers, from the first to the last."""

from __future__ import annotations

import asyncio
import logging
import shutil
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.controllers.pod_state import has_ended
from mcci.lab.clusters.pods import names, volumes
from mcci.lab.clusters.pods.container import Container
from mcci.lab.clusters.pods.environment import data_of
from mcci.lab.clusters.pods.model import ConfigFailed
from mcci.lab.clusters.pods.state import ContainerState, status_of
from mcci.lab.clusters.resources import CONFIG_MAPS, PODS, SECRETS
from mcci.lab.clusters.status import ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.lab.clusters.controllers.context import Context
    from mcci.lab.clusters.pods.model import Runtime

Object = dict[str, Any]
RETRY = 2.0  # seconds until volumes that cannot be made are tried again

logger = logging.getLogger(__name__)


class Sandbox:
    """A pod. `run` lives as long as it does; `leave` ends it."""

    def __init__(
        self, pod: Object, *, context: Context, runtime: Runtime, address: str, node: str, folder: Path
    ) -> None:
        self.pod, self.context, self.runtime, self.address = pod, context, runtime, address
        self.annotations: dict[str, str] = dict(pod["metadata"].get("annotations") or {})
        self.volumes: dict[str, Path] = {}
        self.names = names.mounts(folder, pod["metadata"]["namespace"])
        self._node = node
        self._folder: Path = folder / pod["metadata"]["uid"]
        known = self._known()
        self.init = [self._container(each, known, is_init=True) for each in pod["spec"].get("initContainers") or ()]
        self.main = [self._container(each, known) for each in pod["spec"]["containers"]]
        self._leaving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Start its containers, keep them running, and return once all have ended for good."""
        self.publish()
        await self._make_volumes()
        for container in self.init:
            if await container.live():
                return
        self.publish()
        await asyncio.gather(*(container.live() for container in self.main))
        self.publish()

    def leave(self, grace: float) -> asyncio.Task[None]:
        """End all containers within `grace` seconds, then forget the pod; called again, it is the same end."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(grace))
        return self._leaving

    async def kill(self) -> None:
        """End all containers now; the pod's object is left as it is."""
        await asyncio.gather(*(each.leave(0) for each in (*self.init, *self.main)))

    def forget(self) -> None:
        """Remove its files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def publish(self) -> None:
        """Write the pod's status."""
        metadata = self.pod["metadata"]

        def edit(body: Object) -> None:
            if body["metadata"]["uid"] == metadata["uid"] and not has_ended(body):
                body["status"] = status_of(
                    body, [each.state for each in self.init], [each.state for each in self.main],
                    address=self.address, now=self.context.now(),
                )  # fmt: skip

        try:
            self.context.store.change(PODS, metadata["name"], metadata["namespace"], edit)
        except ApiError:
            logger.debug("the pod %s is gone", metadata["name"])

    def event(self, reason: str, message: str, *, path: str = "", warning: bool = False) -> None:
        """Write an Event about the pod."""
        self.context.event(
            PODS, self.pod, reason, message, component="kubelet", warning=warning, field_path=path, node=self._node
        )

    def lookup(self, kind: str, name: str) -> dict[str, bytes] | None:
        """Return the data of a ConfigMap or Secret of the pod's namespace."""
        resource = SECRETS if kind == "Secret" else CONFIG_MAPS
        found = self.context.store.get(resource, name, self.pod["metadata"]["namespace"])
        return data_of({"kind": kind, **found}) if found else None

    def log_path(self, container: str, restarts: int) -> Path:
        """Return where a run of a container logs."""
        return self._folder / container / f"{restarts}.log"

    def find(self, name: str) -> Container | None:
        """Return a container by its name."""
        return next((each for each in (*self.main, *self.init) if each.state.name == name), None)

    async def _leave(self, grace: float) -> None:
        everything = (*self.init, *self.main)
        await asyncio.gather(*(each.leave(grace) for each in everything))

    async def _make_volumes(self) -> None:
        while True:
            try:
                self.volumes = volumes.prepare(self._folder / "volumes", self.pod, self.address, self.lookup)
                return
            except ConfigFailed as error:
                self.event("FailedMount", str(error), warning=True)
                await asyncio.sleep(RETRY)

    def _known(self) -> dict[str, int]:
        """Return how often each container was restarted before, where an earlier process ran the pod."""
        status = self.pod.get("status", {})
        listed = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
        return {each["name"]: each["restartCount"] + ("waiting" not in each["state"]) for each in listed}

    def _container(self, spec: Object, known: dict[str, int], *, is_init: bool = False) -> Container:
        state = ContainerState(name=spec["name"], image=spec["image"], restarts=known.get(spec["name"], 0))
        if not is_init and self.pod["spec"].get("initContainers"):
            state.wait("PodInitializing")
        return Container(sandbox=self, spec=spec, state=state, is_init=is_init)
