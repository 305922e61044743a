"""One container's life on the node: pulled, started, probed, started again when it ends, and slower each time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.pods import environment, volumes
from mcci.lab.clusters.pods.logs import LogFile
from mcci.lab.clusters.pods.model import ConfigFailed, ContainerSpec, PullFailed, StartFailed
from mcci.lab.clusters.pods.probes import Prober

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.lab.clusters.pods.model import Image, Running
    from mcci.lab.clusters.pods.sandbox import Sandbox
    from mcci.lab.clusters.pods.state import ContainerState

Object = dict[str, Any]
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 300.0  # seconds until a container that ended is started again
STEADY = 600.0  # seconds after which one that ended counts as having been well
SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(slots=True)
class Container:
    """A container of a pod. `live` returns once it will not be started again."""

    sandbox: Sandbox
    spec: Object
    state: ContainerState
    is_init: bool = False
    running: Running | None = None
    log: Path | None = None
    previous_log: Path | None = None
    _leaving: bool = False
    _pauses: int = 0
    _prober: Prober | None = field(default=None, repr=False)

    @property
    def _path(self) -> str:
        return f"spec.{'initContainers' if self.is_init else 'containers'}{{{self.state.name}}}"

    async def live(self) -> int:
        """Run it until it has ended for good; return its last exit code."""
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._once()
            if self._leaving or not self._starts_again(code):
                return code
            if asyncio.get_running_loop().time() - began > STEADY:
                self._pauses = 0
            await self._pause()
            self.state.restart()

    async def leave(self, grace: float) -> None:
        """End it for good: its hook, SIGTERM, and SIGKILL once `grace` seconds are over."""
        self._leaving = True
        if self.running is None:
            return
        self.sandbox.event("Killing", f"Stopping container {self.state.name}", path=self._path)
        before = asyncio.get_running_loop().time()
        if self.sandbox.runtime.PATIENT:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._hook(self.running), grace)
        spent = asyncio.get_running_loop().time() - before
        await self.running.stop(max(grace - spent, 2.0 if grace else 0.0))

    async def _once(self) -> int:
        image = await self._pulled()
        self.state.image, self.state.image_id = image.name, image.id
        running, log = await self._started(image)
        self.running = running
        self.state.run(self.sandbox.context.now())
        self.sandbox.event("Started", f"Container started: {self.state.name}", path=self._path)
        prober = Prober(self.sandbox, self.spec, self.state, running, self._path)
        probing = asyncio.create_task(prober.work())
        try:
            self.sandbox.publish()
            code = await running.wait()
        finally:
            probing.cancel()
            self.running = None
            log.close()
        self.state.end(code, self.sandbox.context.now())
        self.sandbox.publish()
        return code

    async def _pulled(self) -> Image:
        """Return the image, as soon as it can be had."""
        name = self.spec["image"]
        policy = self.spec.get("imagePullPolicy") or "IfNotPresent"
        pause = FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            self.sandbox.event("Pulling", f'Pulling image "{name}"', path=self._path)
            try:
                image = await self.sandbox.runtime.pull(name, policy, self.sandbox.annotations)
            except PullFailed as error:
                await self._not_pulled(name, str(error), pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            seconds = asyncio.get_running_loop().time() - began
            message = f'Container image "{name}" already present on machine'
            if not image.present:
                message = f'Successfully pulled image "{name}" in {seconds:.3f}s'
            self.sandbox.event("Pulled", message, path=self._path)
            return image

    async def _not_pulled(self, name: str, why: str, pause: float) -> None:
        why = f'Failed to pull image "{name}": {why}'
        self.sandbox.event("Failed", why, path=self._path, warning=True)
        self.sandbox.event("Failed", "Error: ErrImagePull", path=self._path, warning=True)
        self.state.wait("ErrImagePull", why)
        self.sandbox.publish()
        await asyncio.sleep(min(1.0, pause / 10))
        self.sandbox.event("BackOff", f'Back-off pulling image "{name}"', path=self._path)
        self.sandbox.event("Failed", "Error: ImagePullBackOff", path=self._path, warning=True)
        self.state.wait("ImagePullBackOff", f'Back-off pulling image "{name}": {why}')
        self.sandbox.publish()
        await asyncio.sleep(pause)

    async def _started(self, image: Image) -> tuple[Running, LogFile]:
        """Make and start the container, as soon as what it refers to is there; return it with its log."""
        while True:
            try:
                spec = self._resolved(image)
                running, log = await self._certainly_started(spec)
            except ConfigFailed as error:
                reason = "CreateContainerConfigError"
                self.sandbox.event("Failed", f"Error: {error}", path=self._path, warning=True)
                self.state.wait(reason, str(error))
            except StartFailed as error:
                self.sandbox.event("Failed", f"Error: {error}", path=self._path, warning=True)
                self.state.wait("CreateContainerError", str(error))
            else:
                self.sandbox.event("Created", f"Container created: {self.state.name}", path=self._path)
                return running, log
            self.sandbox.publish()
            await asyncio.sleep(FIRST_PAUSE / 5)

    async def _certainly_started(self, spec: ContainerSpec) -> tuple[Running, LogFile]:
        """Start it; what is started while the pod is being ended is stopped again."""
        path = self.sandbox.log_path(self.state.name, self.state.restarts)
        log = LogFile(path)
        starting = asyncio.ensure_future(self.sandbox.runtime.start(spec, log.write))
        try:
            running = await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(StartFailed):
                await (await starting).stop(0)
            log.close()
            raise
        except StartFailed:
            log.close()
            raise
        if path != self.log:
            self.previous_log, self.log = self.log, path
        return running, log

    def _resolved(self, image: Image) -> ContainerSpec:
        pod, address = self.sandbox.pod, self.sandbox.address
        security = {**(pod["spec"].get("securityContext") or {}), **(self.spec.get("securityContext") or {})}
        user = str(security.get("runAsUser", "") or image.user)
        if security.get("runAsNonRoot") and user.partition(":")[0] in ("", "0", "root"):
            raise ConfigFailed("container has runAsNonRoot and image will run as root")
        if "runAsGroup" in security and "runAsUser" in security:
            user = f"{security['runAsUser']}:{security['runAsGroup']}"
        known = environment.environment(self.spec, pod, image, address, self.sandbox.lookup)
        limit = str(((self.spec.get("resources") or {}).get("limits") or {}).get("memory", ""))
        return ContainerSpec(
            pod=f"{pod['metadata']['namespace']}/{pod['metadata']['name']}",
            pod_uid=pod["metadata"]["uid"],
            name=self.state.name,
            image=image,
            command=environment.command(self.spec, image, known, address),
            folder=self.spec.get("workingDir") or image.folder,
            address=address,
            user=user,
            environment=known,
            mounts=(*volumes.mounts(self.spec, self.sandbox.volumes), *self.sandbox.names),
            read_only=bool(security.get("readOnlyRootFilesystem")),
            memory=quantity(limit) if limit else 0,
            ends=self.is_init or pod["spec"].get("restartPolicy", "Always") != "Always",
            annotations=self.sandbox.annotations,
        )

    def _starts_again(self, code: int) -> bool:
        policy = self.sandbox.pod["spec"].get("restartPolicy", "Always")
        if self.is_init:
            return code != 0 and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    async def _pause(self) -> None:
        """Wait before it is started again: not the first time, then ever longer."""
        self._pauses += 1
        if self._pauses == 1:
            return
        seconds = min(FIRST_PAUSE * 2 ** (self._pauses - 2), LONGEST_PAUSE)
        pod = self.sandbox.pod["metadata"]
        who = f"{self.state.name} in pod {pod['name']}_{pod['namespace']}({pod['uid']})"
        ended = self.state.state
        self.sandbox.event("BackOff", f"Back-off restarting failed container {who}", path=self._path, warning=True)
        self.state.last = ended
        self.state.wait("CrashLoopBackOff", f"back-off {seconds:.0f}s restarting failed container={who}")
        self.sandbox.publish()
        await asyncio.sleep(seconds)
        self.state.state = ended

    async def _hook(self, running: Running) -> None:
        """Do what the container wants done before it gets SIGTERM."""
        hook = (self.spec.get("lifecycle") or {}).get("preStop") or {}
        if "sleep" in hook:
            await asyncio.sleep(float(hook["sleep"]["seconds"]))
        elif "exec" in hook:
            code, output = await running.execute(tuple(hook["exec"]["command"]), LONGEST_PAUSE)
            if code:
                message = f"PreStopHook failed with exit code {code}: {output[:200]}"
                self.sandbox.event("FailedPreStopHook", message, path=self._path, warning=True)
        elif "httpGet" in hook:
            await running.ask(Prober.question(self.sandbox, self.spec, hook))


def quantity(text: str) -> int:
    """Return a quantity of memory in bytes."""
    for suffix, factor in SUFFIXES.items():
        if text.endswith(suffix):
            return int(float(text.removesuffix(suffix)) * factor)
    return int(float(text))
