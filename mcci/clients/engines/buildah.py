"""buildah: no daemon and no privileged runner; secrets and cache mounts; with the commit's time, the same bytes again.

Source: https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
from collections import deque
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mcci.clients import processes
from mcci.clients.engines import host_ports
from mcci.clients.engines.buildah_container import BuildahContainer
from mcci.clients.engines.docker_container import refuse_taken
from mcci.clients.engines.docker_events import TAIL
from mcci.clients.engines.failures import told
from mcci.clients.engines.files import build_files
from mcci.clients.engines.labels import labelled
from mcci.clients.engines.login import auth_file
from mcci.clients.engines.model import Build, Credential, Emit, Event, Kind, Run
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mcci.clients.registry.reference import Reference

NAME = "buildah"
HAS_SECRETS = True
OLDEST = (1, 23)  # `build --secret`
CACHES = (1, 28)  # `build --cache-from`
_STEP = re.compile(r"(?:\[\d+/\d+\] )?STEP (\d+)/(\d+): (.*)")
_FAILED = re.compile(r"while running runtime|exit status \d+|error building at STEP")
_NOISE = re.compile(r"^(time=\S+ level=\w+ msg=|Error: |error )")

stop = processes.stop_all


def check() -> str:
    """Return buildah's version. Raises `UsageError` where there is none or it is too old."""
    version = _version()
    if _numbers(version) < OLDEST:
        raise UsageError(f"buildah {version} is too old: mcci needs {'.'.join(map(str, OLDEST))}.")
    return f"buildah {version}"


@cache
def _version() -> str:
    return str(json.loads(_output("version", "--json")).get("version", "0.0"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def build(build: Build, credential: Credential, emit: Emit) -> None:
    """Build an image, every file in its layers with the commit's time, in OCI's format, which names no container.

    With BUILDAH_LAYERS=true each step is a layer, kept in the candidates' registry for builds elsewhere (buildah 1.28).
    """
    hosts = (build.image.host, *build.bases)
    with build_files(build) as (folder, secret_files), auth_file(credential, hosts) as auth:
        arguments = [
            "build", "--format=oci", f"--file={folder / 'Dockerfile'}", f"--tag={build.image}",
            f"--ignorefile={folder / 'Dockerfile.dockerignore'}", f"--authfile={auth}",
            f"--timestamp={build.timestamp}",
            *(f"--build-arg={key}={value}" for key, value in sorted(build.args.items())),
            *(f"--label={key}={value}" for key, value in sorted(labelled(build)[1].items())),
            *(f"--secret=type=file,id={name},src={path}" for name, path in secret_files.items()),
            *([f"--network={build.network}"] if build.network else []),
            *(["--tls-verify=false"] if build.insecure else []),
            *_cached(build),
            str(build.context),
        ]  # fmt: skip
        _run(f"building {build.image}", arguments, emit)


def push(image: Reference, credential: Credential, emit: Emit, *, insecure: bool) -> str:
    """Push an image under its tag and return its digest."""
    with auth_file(credential, (image.host,)) as auth, TemporaryDirectory(prefix="mcci-push-") as folder:
        digest = Path(folder, "digest")
        _run(
            f"pushing {image}",
            ["push", f"--authfile={auth}", f"--digestfile={digest}", *_tls(insecure), str(image), f"docker://{image}"],
            emit,
        )
        return digest.read_text(encoding="ascii").strip()


@contextmanager
def running(run: Run, credential: Credential, emit: Emit) -> Iterator[BuildahContainer]:
    """Run an image on the host's network; the container is gone at the end."""
    name = f"mcci-test-{secrets.token_hex(6)}"
    try:
        with auth_file(credential, (run.image.host,)) as auth:
            source = f"docker://{run.image}"
            arguments = ["from", f"--authfile={auth}", f"--name={name}", *_tls(run.insecure), source]
            _run(f"pulling {run.image}", arguments, emit)
        inspected: dict[str, Any] = json.loads(_output("inspect", "--type=container", name))
        config = inspected["Docker"]["config"]
        place = host_ports.place(config.get("Env") or [])
        with host_ports.held(run.ports, place):
            refuse_taken(run.ports, place)
            with BuildahContainer(name, run, config, place) as container:
                yield container
    finally:
        subprocess.run(["buildah", "rm", name], capture_output=True, check=False)


def _cached(build: Build) -> list[str]:
    if build.fresh:
        return ["--no-cache"]
    # A commit and a push a step: that pays where steps take minutes, so it is the user's to say.
    if build.cache is None or os.environ.get("BUILDAH_LAYERS") != "true" or _numbers(_version()) < CACHES:
        return []
    return ["--layers", f"--cache-from={build.cache.name}", f"--cache-to={build.cache.name}"]


def _run(what: str, arguments: Sequence[str], emit: Emit) -> None:
    tail: deque[str] = deque(maxlen=TAIL)
    code = processes.run(["buildah", *arguments], _read(tail, emit), environment=os.environ)
    if code:
        said = next((line for line in reversed(tail) if _NOISE.match(line)), tail[-1] if tail else f"exit code {code}")
        raise told(what, _NOISE.sub("", said), tuple(tail), running=bool(_FAILED.search(said)))


def _read(tail: deque[str], emit: Emit) -> Callable[[str], None]:
    def read(line: str) -> None:
        if not line.strip():
            return
        tail.append(line)
        step = _STEP.match(line)
        if step:
            emit(Event(kind=Kind.STEP, number=int(step[1]), total=int(step[2]), text=step[3]))
        else:
            emit(Event(kind=Kind.LINE, text=line))

    return read


def _output(*arguments: str) -> str:
    try:
        done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UsageError("the engine is buildah, and it is not on PATH. The job's image must hold it.") from error
    if done.returncode:
        raise told(f"buildah {arguments[0]}", done.stderr.strip() or f"exit code {done.returncode}")
    return done.stdout


def _tls(insecure: bool) -> list[str]:
    return ["--tls-verify=false"] if insecure else []
