"""Machines inside this one: Linux namespaces with a network, processes, `/etc` and `/run` of their own. Takes root.

A machine and all that runs in it end with the thread that started it, however that ends.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import background
from mcci.clients.daemons import Daemon
from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED = ("ip", "mount", "nsenter", "setpriv", "unshare")
UNSHARE = (
    "setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
# What a machine writes to /etc and /run is its own, and in memory: it is gone with it, its keys too.
START = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/etc/upper /run/etc/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
ip link set lo up
echo ready
exec sleep infinity
"""
SECONDS = 20.0  # that a machine may take to start
COMMAND = 60.0  # seconds that a command in it may take


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, entered by the number of its first process."""

    name: str
    pid: int
    began: str = field(default="", repr=False)

    def enter(self, *arguments: str) -> list[str]:
        """Return the command line that runs a program in it."""
        return ["nsenter", "-t", str(self.pid), "--net", "--mount", "--pid", *arguments]

    def run(self, *arguments: str) -> str:
        """Run a program in it and return its output. Raises `ServiceFailed`."""
        return _run(self.enter(*arguments), f"{self.name}: {' '.join(arguments)}")

    def shell(self, script: str) -> str:
        """Run a shell's script in it, and return its output. Raises `ServiceFailed` where a command of it fails."""
        return _run(self.enter("sh", "-ec", script), f"{self.name}: {script.strip()}")


def start(name: str, log: Path) -> tuple[Machine, Daemon]:
    """Start a machine without any wire; stop it by stopping the daemon. Raises `UsageError`, `ServiceFailed`."""
    log.write_text("")
    daemon = Daemon([*UNSHARE, "sh", "-c", START], log=log)
    try:
        daemon.wait_until(lambda: "ready" in log.read_text().splitlines(), seconds=SECONDS)
        child = int(Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()[0])
    except BaseException:
        daemon.stop(0)
        raise
    return Machine(name, child, background.began(child)), daemon


def wire(one: Machine, device: str, other: Machine, peer: str) -> None:
    """Plug a wire into two machines: `device` is its end in the one, `peer` in the other."""
    _link(device, peer, other, "netns", str(one.pid))


def plug(device: str, other: Machine, peer: str) -> None:
    """Plug a wire from this machine, where its end is `device`, into another. It goes when the other goes."""
    _link(device, peer, other)


def here(script: str) -> str:
    """Run a shell's script on this machine itself, and return its output. Raises `ServiceFailed`."""
    return _run(["sh", "-ec", script], script.strip())


def _link(device: str, peer: str, other: Machine, *place: str) -> None:
    command = ["ip", "link", "add", device, *place, "type", "veth", "peer", "name", peer, "netns", str(other.pid)]
    _run(command, " ".join(command))


def _run(command: Sequence[str], what: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceFailed(f"{what}: {error}") from error
    if done.returncode:
        raise ServiceFailed(f"{what}: failed ({done.returncode}): {(done.stdout + done.stderr).strip()}")
    return done.stdout
