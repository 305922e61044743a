"""A container's probes, asked for as long as it runs: is it up, may it have traffic, is it stuck."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.pods.model import Probe, ProbeKind

if TYPE_CHECKING:
    from mcci.lab.clusters.pods.model import Running
    from mcci.lab.clusters.pods.sandbox import Sandbox
    from mcci.lab.clusters.pods.state import ContainerState

Object = dict[str, Any]


class Prober:
    """The probes of one run of a container."""

    def __init__(self, sandbox: Sandbox, spec: Object, state: ContainerState, running: Running, path: str) -> None:
        self._sandbox, self._spec, self._state, self._running, self._path = sandbox, spec, state, running, path

    async def work(self) -> None:
        """Ask until cancelled; the container's state says what came of it."""
        if "startupProbe" in self._spec and not await self._startup():
            return
        self._state.started = True
        if "readinessProbe" not in self._spec:
            self._state.ready = True
        self._sandbox.publish()
        await asyncio.gather(self._readiness(), self._liveness())

    @staticmethod
    def question(sandbox: Sandbox, spec: Object, probe: Object, kind: ProbeKind = ProbeKind.LIVENESS) -> Probe:
        """Return a probe as it is asked, its port's name resolved by the container's ports."""
        ports = {each["name"]: each["containerPort"] for each in spec.get("ports") or () if "name" in each}
        return Probe(
            kind=kind, address=sandbox.address, ports=ports, action=probe, timeout=float(probe.get("timeoutSeconds", 1))
        )

    async def _startup(self) -> bool:
        probe = self._spec["startupProbe"]
        await self._delay(probe)
        failures = 0
        while True:
            if not await self._ask(ProbeKind.STARTUP, probe):
                return True
            failures += 1
            if failures >= int(probe.get("failureThreshold", 3)):
                await self._kill(ProbeKind.STARTUP, probe)
                return False
            await asyncio.sleep(float(probe.get("periodSeconds", 10)))

    async def _readiness(self) -> None:
        probe = self._spec.get("readinessProbe")
        if probe is None:
            return
        await self._delay(probe)
        good = bad = 0
        while True:
            failed = await self._ask(ProbeKind.READINESS, probe)
            good, bad = (0, bad + 1) if failed else (good + 1, 0)
            before = self._state.ready
            if good >= int(probe.get("successThreshold", 1)):
                self._state.ready = True
            elif bad >= int(probe.get("failureThreshold", 3)):
                self._state.ready = False
            if self._state.ready != before:
                self._sandbox.publish()
            # what is not ready yet is asked more often than the period says only by a runtime that knows no time
            period = float(probe.get("periodSeconds", 10))
            await asyncio.sleep(period if self._sandbox.runtime.PATIENT or self._state.ready else min(period, 0.2))

    async def _liveness(self) -> None:
        probe = self._spec.get("livenessProbe")
        if probe is None:
            return
        await self._delay(probe)
        bad = 0
        while True:
            bad = bad + 1 if await self._ask(ProbeKind.LIVENESS, probe) else 0
            if bad >= int(probe.get("failureThreshold", 3)):
                await self._kill(ProbeKind.LIVENESS, probe)
                return
            await asyncio.sleep(float(probe.get("periodSeconds", 10)))

    async def _delay(self, probe: Object) -> None:
        if self._sandbox.runtime.PATIENT:
            await asyncio.sleep(float(probe.get("initialDelaySeconds", 0)))

    async def _ask(self, kind: ProbeKind, probe: Object) -> str:
        why = await self._running.ask(self.question(self._sandbox, self._spec, probe, kind))
        if why:
            self._sandbox.event("Unhealthy", f"{kind.value} probe failed: {why}", path=self._path, warning=True)
        return why

    async def _kill(self, kind: ProbeKind, probe: Object) -> None:
        name = self._state.name
        message = f"Container {name} failed {kind.value.lower()} probe, will be restarted"
        self._sandbox.event("Killing", message, path=self._path)
        default = self._sandbox.pod["spec"].get("terminationGracePeriodSeconds", 30)
        await self._running.stop(float(probe.get("terminationGracePeriodSeconds", default)))
