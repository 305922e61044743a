"""A registry for the pods' images: Debian's docker-registry on loopback, with no user, for this machine alone."""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from mcci.clients import background, ports, probe
from mcci.clients.daemons import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "registry"
PROGRAM = "docker-registry"
ABSENT = f"no {PROGRAM} on PATH: pods pull from other registries alone (Debian: apt-get install {PROGRAM})"
START = 10.0  # seconds


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Start it, at the port it had before where that is free; without the program there is none."""
    del plan
    program = shutil.which(PROGRAM)
    if program is None:
        say(ABSENT)
        return {"host": "", "why": ABSENT}
    place = folder.path / NAME
    place.mkdir(exist_ok=True)
    port = ports.kept(place / "port")
    config = place / "config.yml"
    config.write_text(json.dumps(_configuration(str(place / "data"), port)))  # JSON is YAML
    daemon = Daemon([program, "serve", str(config)], log=place / "log")
    stack.callback(daemon.stop)
    daemon.wait_until(lambda: not probe.answers("127.0.0.1", port, ""), seconds=START)
    say(f"registry at 127.0.0.1:{port}")
    pid = {"pid": daemon.pid, "began": background.began(daemon.pid)}
    return {"host": f"127.0.0.1:{port}", "variable": "MCCI_LAB_REGISTRY", **pid}


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the registry that a killed supervisor has left."""
    del plan, folder
    if "pid" in facts:
        background.end(facts["pid"], facts["began"], START)


def _configuration(data: str, port: int) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": data}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": secrets.token_hex()},
    }
