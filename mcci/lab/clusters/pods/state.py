"""A container's state as the node keeps it, and the pod's status made of all of them. `status_of` is pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mcci.lab.clusters.controllers import conditions
from mcci.lab.clusters.store import timestamp

Object = dict[str, Any]


@dataclass(slots=True)
class ContainerState:
    """One container: what it is doing, and what it did before."""

    name: str
    image: str
    image_id: str = ""
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Object = field(default_factory=dict)
    ready: bool = False
    started: bool = False
    restarts: int = 0

    def wait(self, reason: str, message: str = "") -> None:
        """It is waiting."""
        self.ready = self.started = False
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}

    def run(self, now: datetime) -> None:
        """It runs."""
        self.state = {"running": {"startedAt": timestamp(now)}}

    def end(self, code: int, now: datetime) -> None:
        """It has ended."""
        began = self.state.get("running", {}).get("startedAt", timestamp(now))
        reason = "Completed" if code == 0 else "OOMKilled" if code == OOM else "Error"
        self.ready = self.started = False
        ended = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": timestamp(now)}
        self.state = {"terminated": ended}

    def restart(self) -> None:
        """It will be started again."""
        self.last = self.state
        self.restarts += 1

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while it has not ended."""
        code = self.state.get("terminated", {}).get("exitCode")
        return None if code is None else int(code)


OOM = 1000  # no exit code: what a runtime says when the memory was used up; the API shows 137


def status_of(
    pod: Object, init: list[ContainerState], main: list[ContainerState], *, address: str, now: datetime
) -> Object:
    """Return the pod's status."""
    status: Object = {
        key: value for key, value in pod.get("status", {}).items() if key in ("qosClass", "startTime", "conditions")
    }
    status["conditions"] = [dict(each) for each in status.get("conditions") or ()]
    status.setdefault("startTime", timestamp(now))
    phase = _phase(pod, init, main)
    initialized = all(each.exit_code == 0 for each in init)
    ready = initialized and bool(main) and all(each.ready for each in main)
    done = phase == "Succeeded"
    waiting = [each.name for each in main if not each.ready]
    why = "" if ready else "PodCompleted" if done else "ContainersNotReady"
    words = "" if ready or done else f"containers with unready status: [{' '.join(waiting)}]"
    missing = [each.name for each in init if each.exit_code != 0]
    for kind, value, reason, message in (
        ("Initialized", initialized, "" if initialized else "ContainersNotInitialized",
         "" if initialized else f"containers with incomplete status: [{' '.join(missing)}]"),
        ("Ready", ready, why, words),
        ("ContainersReady", ready, why, words),
        ("PodScheduled", True, "", ""),
    ):  # fmt: skip
        conditions.set_condition(status, kind, value, reason, message, now)
    status |= {
        "phase": phase, "hostIP": HOST, "hostIPs": [{"ip": HOST}], "podIP": address, "podIPs": [{"ip": address}],
        "containerStatuses": [_container(each) for each in main],
    }  # fmt: skip
    if init:
        status["initContainerStatuses"] = [_container(each) for each in init]
    return status


HOST = "127.0.0.1"


def _phase(pod: Object, init: list[ContainerState], main: list[ContainerState]) -> str:
    never = pod["spec"].get("restartPolicy", "Always") == "Never"
    if never and any(each.exit_code for each in init):
        return "Failed"
    if any(each.exit_code != 0 for each in init):
        return "Pending"
    if restarts(pod, main):
        begun = any("running" in each.state or each.last or "terminated" in each.state for each in main)
        return "Running" if begun else "Pending"
    return "Failed" if any(each.exit_code for each in main) else "Succeeded"


def restarts(pod: Object, main: list[ContainerState]) -> bool:
    """Say whether some container runs, or will."""
    policy = pod["spec"].get("restartPolicy", "Always")
    if policy == "Always":
        return True
    if policy == "OnFailure":
        return any(each.exit_code != 0 for each in main)
    return any(each.exit_code is None for each in main)


def _container(state: ContainerState) -> Object:
    shown = dict(state.state)
    if shown.get("terminated", {}).get("exitCode") == OOM:
        shown = {"terminated": {**shown["terminated"], "exitCode": 137}}
    return {
        "name": state.name, "image": state.image, "imageID": state.image_id, "ready": state.ready,
        "started": state.started, "restartCount": state.restarts, "state": shown, "lastState": state.last,
    }  # fmt: skip
