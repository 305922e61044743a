"""A container engine for the pods: the one at DOCKER_HOST where that answers, else Debian's dockerd, started by root.

Without either pods are processes of this machine.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from mcci.clients import background, mounts
from mcci.clients.daemons import Daemon
from mcci.clients.pods import engine
from mcci.lab.plan import Pods

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "engine"
PROGRAM = "dockerd"
START = 60.0  # seconds
GRACE = 30.0  # seconds
VARIABLE = "DOCKER_HOST"
ABSENT = "no container engine answers: pods are processes of this machine"


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Find an engine, or start one; the supervisor's own DOCKER_HOST then names it."""
    if plan.pods is not Pods.REAL:
        return {}
    if engine.answers():
        return {"host": os.environ.get(VARIABLE, ""), "own": False}
    program = shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or os.geteuid():
        say(ABSENT)
        return {}
    place = folder.path / NAME
    place.mkdir(exist_ok=True)
    socket = place / "docker.sock"
    daemon = Daemon(_command(program, str(place), str(socket)), log=place / "log")
    stack.callback(mounts.unmount_below, place)  # its namespaces and layers
    stack.callback(daemon.stop, GRACE)
    os.environ[VARIABLE] = f"unix://{socket}"
    daemon.wait_until(engine.answers, seconds=START)
    say(f"engine at {os.environ[VARIABLE]}")
    return {
        "host": os.environ[VARIABLE], "own": True, "pid": daemon.pid, "began": background.began(daemon.pid),
    }  # fmt: skip


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the engine that a killed supervisor has left."""
    del plan
    if facts.get("own"):
        background.end(facts["pid"], facts["began"], GRACE)
        mounts.unmount_below(folder.path / NAME)


def _command(program: str, place: str, socket: str) -> list[str]:
    """Return a command line that leaves the machine's network alone: no bridge, no rules."""
    return [
        program, "--data-root", f"{place}/data", "--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid",
        "-H", f"unix://{socket}", "--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false",
    ]  # fmt: skip
