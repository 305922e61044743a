"""Containers that CI jobs run in, with their services, on an engine of this machine that speaks Docker's API.

A job's container is on the host's network, where the local GitLab and what else a rehearsal has listen on loopback;
its services are on a network of their own, and known to the job by their aliases. All of it carries the job's mark.
Source: https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcci.clients.engines.docker_events import Reader
from mcci.clients.engines.model import EngineFailed
from mcci.clients.shell import MARK, Stopped, TimedOut
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mcci.clients.engines.model import Credential
    from mcci.clients.registry.reference import Reference

LABEL = "io.mcci.job"
USUAL = "unix:///var/run/docker.sock"
TIMEOUT = 120.0  # seconds that the engine may take to answer
PULL = 300.0  # seconds that an image may take to come
LOOK = 0.05  # seconds between two looks at whether to stop
TERMINATE = ["sh", "-c", "kill -TERM 1; kill -TERM -1"]  # the first process takes only what is meant for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A container to be made. `entrypoint` and `command` None: the image's own; `mounts` from folders here to there."""

    image: Reference
    mark: str
    entrypoint: Sequence[str] | None = None
    command: Sequence[str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mounts: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    user: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    aliases: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that was started: its address on the job's network, and the ports that its image exposes."""

    id: str
    address: str
    ports: tuple[int, ...]


def absent() -> str:
    """Return why no container of this machine can be had, "" where one can."""
    host = os.environ.get("DOCKER_HOST", "")
    if host and not host.startswith("unix:"):
        return f"the engine at {host} is not on this machine, and would not see the job's files"
    host = host or USUAL
    if not Path(host.removeprefix("unix://")).exists():
        return f"no container engine answers at {host}"
    try:
        with _engine("reaching the engine") as client:
            client.version()
    except EngineFailed as error:
        return f"no container engine answers at {host} ({error})"
    return ""


def ensure(image: Reference, policies: Sequence[str], credential: Credential, *, seconds: float = PULL) -> None:
    """Have the image here: by the first of `always`, `if-not-present`, `never` that works.

    Raises `McciError` where none does, or where that takes longer than `seconds`.
    """
    failures: list[McciError] = []

    def work() -> None:
        for policy in policies:
            try:
                _have(image, policy, credential)
            except McciError as error:
                failures.append(error)
            else:
                failures.clear()
                return

    thread = threading.Thread(target=work, name=f"pull {image}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise EngineFailed(f"pulling {image} takes longer than {seconds:.0f} s.")
    if failures:
        raise failures[0]


def _have(image: Reference, policy: str, credential: Credential) -> None:
    what = f"pulling {image}"
    with _engine(what) as client:
        if policy != "always" and _is_here(client, image):
            return
        if policy == "never":
            raise EngineFailed(f"the engine does not have {image}, and the pull policy is `never`.")
        reader = Reader(what, lambda _: None)
        found = credential(image.host)
        login = {} if found is None else {"username": found.username, "password": found.secret}
        for event in client.pull(image.name, tag=image.version, stream=True, decode=True, auth_config=login):
            reader.read(event)


def _is_here(client: Any, image: Reference) -> bool:
    import docker.errors

    try:
        client.inspect_image(_name(image))
    except docker.errors.NotFound:
        return False
    return True


def user_of(image: Reference) -> str:
    """Return the user that an image runs as, "" for root."""
    with _engine(f"inspecting {image}") as client:
        found = str((client.inspect_image(_name(image)).get("Config") or {}).get("User") or "")
    return "" if found.partition(":")[0] in ("", "root", "0") else found


def network(mark: str) -> str:
    """Make the network of a job's services, and return its name. Raises `EngineFailed` where the engine makes none."""
    name = f"mcci-job-{mark}"
    with _engine("making a network for the job's services") as client:
        client.create_network(name, driver="bridge", labels={LABEL: mark}, check_duplicate=True)
    return name


def serve(start: Start) -> Service:
    """Start a service. Raises `EngineFailed`."""
    with _engine(f"starting the service {start.image}") as client:
        identity = _made(client, start)
        client.start(identity)
        found = client.inspect_container(identity)
    attached = found["NetworkSettings"]["Networks"].get(start.network) or {}
    exposed = [each.partition("/") for each in found["Config"].get("ExposedPorts") or ()]
    ports = tuple(int(port) for port, _, protocol in exposed if protocol != "udp")
    return Service(id=identity, address=str(attached.get("IPAddress") or ""), ports=ports)


def log(identity: str, lines: int = 20) -> str:
    """Return the end of a container's log."""
    with _engine("reading a log") as client:
        return bytes(client.logs(identity, tail=lines)).decode(errors="replace")


def create(start: Start) -> str:
    """Make a container, not started, and return its id. Raises `EngineFailed`."""
    with _engine(f"making a container of {start.image}") as client:
        return _made(client, start)


def _made(client: Any, start: Start) -> str:
    host = client.create_host_config(
        network_mode=start.network or "host",
        binds=[f"{source}:{target}" for source, target in start.mounts.items()],
        extra_hosts=dict(start.hosts) or None,
    )
    settings = client.create_endpoint_config(aliases=list(start.aliases)) if start.network else None
    made = client.create_container(
        _name(start.image),
        entrypoint=None if start.entrypoint is None else list(start.entrypoint),
        command=None if start.command is None else list(start.command),
        environment={**start.environment, MARK: start.mark},
        working_dir=start.folder or None,
        user=start.user or None,
        host_config=host,
        networking_config=client.create_networking_config({start.network: settings}) if settings else None,
        labels={LABEL: start.mark},
    )
    return str(made["Id"])


def run(identity: str, *, output: Callable[[bytes], None], stop: threading.Event, timeout: float, grace: float) -> int:
    """Start a container, also again, give its output to `output`, and return its exit code.

    Raises `TimedOut` after `timeout` seconds and `Stopped` once `stop` is set: its processes then get SIGTERM and,
    `grace` seconds later, SIGKILL. Raises `EngineFailed` where the engine does.
    """
    with _engine("running the job's container", timeout=None) as follower:  # a job may be quiet for long
        pieces = follower.attach(identity, stdout=True, stderr=True, stream=True, logs=False)
        follower.start(identity)
        reader = threading.Thread(target=_read, args=(pieces, output), daemon=True)
        reader.start()
        ended = _watched(reader, stop, time.monotonic() + timeout)
        if ended is not None:
            _end(identity, reader, grace)
        code = int(follower.wait(identity, timeout=TIMEOUT)["StatusCode"])
        reader.join(TIMEOUT)
        _close(pieces)
    if ended is not None:
        raise ended
    return code


def _close(stream: Any) -> None:
    """Close an attached stream: its connection is none of the client's, and its own `close` leaves a file on it."""
    with suppress(OSError):
        stream.close()
    stream._response.close()


def _watched(reader: threading.Thread, stop: threading.Event, end: float) -> Exception | None:
    while reader.is_alive():
        if stop.wait(LOOK):
            return Stopped()
        if time.monotonic() > end:
            return TimedOut()
    return None


def _end(identity: str, reader: threading.Thread, grace: float) -> None:
    import docker.errors

    with _engine("ending the job's container") as client:
        with suppress(docker.errors.APIError):  # it has ended by itself
            client.exec_start(client.exec_create(identity, TERMINATE)["Id"], detach=True)
        reader.join(grace)
        with suppress(docker.errors.APIError):
            client.kill(identity)


def _read(pieces: Iterator[bytes], output: Callable[[bytes], None]) -> None:
    import requests

    with suppress(OSError, requests.RequestException):
        for piece in pieces:
            output(piece)


def remove(mark: str) -> None:
    """Remove all containers, with their volumes, and networks of a job."""
    import docker.errors

    wanted = {"label": f"{LABEL}={mark}"}
    with _engine("removing a job's containers") as client:
        for each in client.containers(all=True, filters=wanted):
            with suppress(docker.errors.APIError):
                client.remove_container(each["Id"], v=True, force=True)
        for each in client.networks(filters=wanted):
            with suppress(docker.errors.APIError):
                client.remove_network(each["Id"])


def _name(image: Reference) -> str:
    return str(image.at(image.version))


@contextmanager
def _engine(what: str, timeout: float | None = TIMEOUT) -> Iterator[Any]:
    """Give a client of the engine; what goes wrong meanwhile is an `EngineFailed`."""
    import docker
    import docker.errors
    import requests

    client = None
    try:
        client = docker.APIClient(version="auto", timeout=timeout, **docker.utils.kwargs_from_env())
        yield client
    except (docker.errors.DockerException, requests.RequestException) as error:
        said = str(getattr(error, "explanation", None) or error)
        raise EngineFailed(f"{what} failed: {said}") from error
    finally:
        if client is not None:
            client.close()
