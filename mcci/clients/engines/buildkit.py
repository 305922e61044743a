"""The docker command with BuildKit: what the Docker API's own builder cannot do, secrets and mounts, goes through it.

Everything but the build is the API's (`docker_sdk`). BuildKit is part of the command from Docker 18.09 to 20.10; from
23.0 it is the plug-in buildx, and a command without it falls back to the old builder without failing. So the first
command on PATH that really has BuildKit is taken.
Source: https://docs.docker.com/build/buildkit/
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from functools import cache
from pathlib import Path

from mcci.clients import processes
from mcci.clients.engines import docker_sdk
from mcci.clients.engines.docker_events import TAIL
from mcci.clients.engines.failures import told
from mcci.clients.engines.files import build_files
from mcci.clients.engines.labels import labelled
from mcci.clients.engines.login import docker_config
from mcci.clients.engines.model import Build, Credential, Emit, Event, Kind
from mcci.errors import UsageError

NAME = "buildkit"
HAS_SECRETS = True
_LINE = re.compile(r"#(\d+) (?:\d+\.\d+ )?(.*)")
_STEP = re.compile(r"\[(?:(\S+) )?(\d+)/(\d+)\] (.*)")
_FAILED = re.compile(r"did not complete successfully: exit code")

push = docker_sdk.push
running = docker_sdk.running
stop = processes.stop_all


def check() -> str:
    """Return the engine's and the command's versions. Raises `UsageError` where no command has BuildKit."""
    engine = docker_sdk.check()
    return f"{engine}, {command()[1]}"


def build(build: Build, credential: Credential, emit: Emit) -> None:
    """Build an image with BuildKit. Secrets reach it by files that only this user can read, gone afterwards."""
    what = f"building {build.image}"
    reader = _Reader(emit)
    hosts = (build.image.host, *build.bases)
    with build_files(build) as (folder, secrets), docker_config(credential, hosts) as config:
        network = build.network or docker_sdk.default_network()
        arguments = [
            command()[0], "build", "--progress=plain", f"--file={folder / 'Dockerfile'}", f"--tag={build.image}",
            *(f"--build-arg={key}={value}" for key, value in sorted(build.args.items())),
            *(f"--label={key}={value}" for key, value in sorted(labelled(build)[1].items())),
            *(f"--secret=type=file,id={name},src={path}" for name, path in secrets.items()),
            "--build-arg=BUILDKIT_INLINE_CACHE=1",
            *([f"--cache-from={build.cache}"] if build.cache else []),
            *([f"--network={network}"] if network else []),
            *(["--no-cache"] if build.fresh else []),
            str(build.context),
        ]  # fmt: skip
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_COLORS": "", "DOCKER_CONFIG": str(config)}
        if processes.run(arguments, reader.read, environment=environment):
            raise told(what, reader.reason, tuple(reader.tail), running=bool(_FAILED.search(reader.reason)))


@cache
def command() -> tuple[str, str]:
    """Return the path and the version of the first docker command that has BuildKit. Raises `UsageError`."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder or ".", "docker")
        if not os.access(path, os.X_OK):
            continue
        version = _said(str(path), "version", "--format", "{{.Client.Version}}").lstrip("v")
        major = int(version.split(".")[0]) if version[:1].isdigit() else 0
        if (18 < major < 23) or _said(str(path), "buildx", "version"):
            return str(path), f"docker {version} with BuildKit"
    raise UsageError("no docker command with BuildKit is on PATH (Docker 19.03 to 20.10, or a later one with buildx).")


def _said(*arguments: str) -> str:
    """Return what a program answers, without an engine; empty when it fails."""
    environment = {**os.environ, "DOCKER_HOST": "unix:///nonexistent"}
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=20, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # `version` fails without an engine, and tells the client's part all the same
    return done.stdout.strip() if done.returncode == 0 or arguments[1] == "version" else ""


class _Reader:
    """Reads BuildKit's plain progress: `#7 [install 2/3] RUN …`, then the step's own lines, then `#7 DONE`."""

    def __init__(self, emit: Emit) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.reason = "the docker command did not say why"
        self._emit = emit
        self._begun: set[str] = set()

    def read(self, line: str) -> None:
        """Take one line in."""
        if not line.strip():
            return
        self.tail.append(line)
        if line.startswith(("ERROR:", "error:", "failed to")):
            self.reason = line.partition(": ")[2] or line
        match = _LINE.match(line)
        step = _STEP.match(match[2]) if match else None
        if match and step and match[1] not in self._begun:
            self._begun.add(match[1])
            stage = f"[{step[1]}] " if step[1] else ""
            self._emit(Event(kind=Kind.STEP, number=int(step[2]), total=int(step[3]), text=stage + step[4]))
        else:
            self._emit(Event(kind=Kind.LINE, text=line))
