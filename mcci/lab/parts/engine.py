"""A container engine for the pods: the one at DOCKER_HOST where that answers, else Debian's dockerd, started by root.

Without either pods are processes of this machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients import background, mounts
from mcci.clients.pods import engine
from mcci.errors import McciError
from mcci.lab.parts.kept import end_left, keep
from mcci.lab.plan import Pods
from mcci.lab.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "engine"
PROGRAM = "dockerd"
START = 60.0  # seconds
VARIABLE = "DOCKER_HOST"
LONGEST = 60  # characters of the folder: of 107 that a socket's path may have, containerd's take 44
ABSENT = "no container engine can be had: pods are processes of this machine"


class Engine(Program):
    """A dockerd with its state in `folder`. The process's own DOCKER_HOST names it."""

    name = "engine"
    grace = 30.0

    def __init__(self, program: str, folder: Path, sockets: Path) -> None:
        self._command = _command(program, str(folder), str(sockets))
        self._folder, self._sockets = folder, sockets

    def start(self) -> None:
        """Start it and wait until it answers."""
        for file in (self._folder / "pid", self._sockets / "exec/containerd/containerd.pid"):
            _forget_dead(file)
        daemon = self._launch(self._command, self._folder / "log")
        daemon.wait_until(engine.is_up, seconds=START)


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Find an engine, or start one; the supervisor's own DOCKER_HOST then names it."""
    if plan.pods is not Pods.REAL:
        return {}
    if engine.answers():
        if not (where := engine.elsewhere()):
            return {"host": os.environ.get(VARIABLE, ""), "own": False}
        named = os.environ.get(VARIABLE) or "the default socket"
        say(f"the engine at {named} runs containers {where}: it is left alone")
    program = shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or os.geteuid():
        say(ABSENT)
        return {}
    place = folder.path / NAME
    place.mkdir(exist_ok=True)
    sockets = _sockets(place)
    sockets.mkdir(mode=0o700, exist_ok=True)
    os.environ[VARIABLE] = _address(str(sockets))
    stack.callback(_clear, place)
    try:
        keep([Engine(program, place, sockets)], stack, folder, NAME)
    except McciError as error:
        os.environ.pop(VARIABLE)
        say(f"{PROGRAM} does not start here ({str(error).splitlines()[-1]})\n{ABSENT}")
        return {}
    say(f"engine at {os.environ[VARIABLE]}")
    return {"host": os.environ[VARIABLE], "own": True}


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the engine that a killed supervisor has left."""
    del plan, facts
    end_left(folder, NAME)
    _clear(folder.path / NAME)


def _sockets(place: Path) -> Path:
    """Return the folder of the engine's sockets: `place`, or one with a short path where theirs would be too long."""
    if len(str(place)) <= LONGEST:
        return place
    return Path(tempfile.gettempdir(), f"mcci-engine-{hashlib.sha256(str(place).encode()).hexdigest()[:12]}")


def _clear(place: Path) -> None:
    """Unmount the namespaces and layers that dockerd leaves."""
    sockets = _sockets(place)
    mounts.unmount_below(place)
    if sockets != place:
        mounts.unmount_below(sockets)
        shutil.rmtree(sockets, ignore_errors=True)


def _forget_dead(file: Path) -> None:
    """Remove a file with the number of a process that has died: dockerd takes one that nobody waited for as alive."""
    with suppress(FileNotFoundError, ValueError):
        if not background.began(int(file.read_text())):
            file.unlink()


def _address(sockets: str) -> str:
    return f"unix://{sockets}/docker.sock"


def _command(program: str, place: str, sockets: str) -> list[str]:
    """Return a command line that leaves the machine's network alone: no bridge, no rules."""
    return [
        program, "--data-root", f"{place}/data", "--exec-root", f"{sockets}/exec", "--pidfile", f"{place}/pid",
        "-H", _address(sockets), "--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false",
    ]  # fmt: skip
