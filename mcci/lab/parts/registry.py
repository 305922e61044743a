"""A registry for the pods' images: Debian's docker-registry on loopback, with no user, for this machine alone."""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from mcci.clients import ports, probe
from mcci.lab.parts.kept import end_left, keep
from mcci.lab.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from mcci.lab.plan import Folder, Plan

NAME = "registry"
PROGRAM = "docker-registry"
HOST = "127.0.0.1"
ABSENT = f"no {PROGRAM} on PATH: pods pull from other registries alone (Debian: apt-get install {PROGRAM})"
START = 10.0  # seconds


class Registry(Program):
    """The registry, at `port` of loopback."""

    name = "registry"

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self._program = program
        self._folder = folder
        self._port = port

    def start(self) -> None:
        """Start it and wait until it answers."""
        config = self._folder / "config.yml"
        config.write_text(json.dumps(_configuration(str(self._folder / "data"), self._port)))  # JSON is YAML
        daemon = self._launch([self._program, "serve", str(config)], self._folder / "log")
        daemon.wait_until(lambda: not probe.answers(HOST, self._port, ""), seconds=START)


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
    keep([Registry(program, place, port)], stack, folder, NAME)
    say(f"registry at {HOST}:{port}")
    return {"host": f"{HOST}:{port}", "variable": "MCCI_LAB_REGISTRY"}


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the registry that a killed supervisor has left."""
    del plan, facts
    end_left(folder, NAME)


def _configuration(data: str, port: int) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": data}, "delete": {"enabled": True}},
        "http": {"addr": f"{HOST}:{port}", "secret": secrets.token_hex()},
    }
