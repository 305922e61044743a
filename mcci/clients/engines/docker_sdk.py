"""Any engine that speaks Docker's API at DOCKER_HOST, by the docker SDK: dockerd, docker-in-docker, podman's socket.

The SDK drives the classic builder, which knows neither secrets nor cache mounts (`buildkit.py` does). It reports a
failed build and a failed push as an event among others, so every event is looked at.
Source: https://docs.docker.com/reference/api/engine/version/v1.41/
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mcci.clients.engines import context, docker_container, host_ports
from mcci.clients.engines.docker_container import DockerContainer
from mcci.clients.engines.docker_events import Reader
from mcci.clients.engines.failures import told
from mcci.clients.engines.labels import labelled
from mcci.clients.engines.model import Build, Credential, Emit, EngineFailed, Run
from mcci.errors import McciError, ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.registry.reference import Reference

NAME = "docker"
HAS_SECRETS = False
OLDEST = (1, 40)  # Docker 19.03
START = 20.0  # seconds that an engine beside the job may take to come up
TIMEOUT = 600.0  # seconds without a word from the engine: a RUN may be quiet for long

_local = threading.local()


def check() -> str:
    """Return the engine's name and version; it is waited for where it starts beside the job.

    Raises `UsageError` where there is none or it is too old, `ServiceFailed` where it does not come up.
    """
    host = os.environ.get("DOCKER_HOST", "") or "unix:///var/run/docker.sock"
    deadline = time.monotonic() + START
    while True:
        try:
            found = _client().version()
            break
        except McciError as error:
            if not host.startswith("tcp:"):
                raise UsageError(f"{_absent(host)} ({error})") from error
            if time.monotonic() > deadline:
                raise ServiceFailed(f"{_absent(host)} ({error})") from error
            time.sleep(0.5)
    name = (found.get("Platform") or {}).get("Name") or "Docker Engine"
    version = f"{name.split(' - ')[0]} {found.get('Version', '')}"
    api = tuple(int(part) for part in str(found.get("ApiVersion", "0.0")).split("."))
    if api < OLDEST:
        need = ".".join(map(str, OLDEST))
        raise UsageError(f"{version} at {host} is too old: it speaks API {found.get('ApiVersion')}, mcci needs {need}.")
    return version


def build(build: Build, credential: Credential, emit: Emit) -> None:
    """Build an image with the classic builder."""
    what = f"building {build.image}"
    client = _client()
    cache = _cache(build, credential)
    dockerfile, labels = labelled(build)
    with context.archive(build.context, build.ignore, dockerfile) as archive, _translated(what):
        reader = Reader(what, emit)
        events = client.build(
            fileobj=archive,
            custom_context=True,
            dockerfile=context.DOCKERFILE,
            tag=str(build.image),
            buildargs=dict(build.args),
            labels=labels,
            cache_from=cache,
            network_mode=build.network or default_network(),
            nocache=build.fresh,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for event in events:
            reader.read(event)
    if not reader.image:
        raise EngineFailed(f"{what} failed: the engine's answer ended before the image was built.", reader.tail)


def pull(image: Reference, credential: Credential, emit: Emit, *, missing: bool = True) -> None:
    """Pull an image; with `missing`, only when the engine does not have it. Raises as `build` does."""
    if missing and has(image):
        return
    what = f"pulling {image}"
    with _translated(what):
        reader = Reader(what, emit)
        for event in _client().pull(
            image.name, tag=image.version, stream=True, decode=True, auth_config=_auth(image, credential)
        ):
            reader.read(event)


def has(image: Reference) -> bool:
    """Return whether the engine's own store has an image."""
    import docker.errors

    try:
        _client().inspect_image(str(image.at(image.version)))
    except docker.errors.NotFound:
        return False
    return True


def push(image: Reference, credential: Credential, emit: Emit, *, insecure: bool) -> str:
    """Push an image under its tag and return the digest that the registry has it by; podman tells none."""
    del insecure  # the engine's own configuration says which registries it may speak plain HTTP to
    what = f"pushing {image}"
    with _translated(what):
        reader = Reader(what, emit)
        for event in _client().push(
            image.name, tag=image.tag, stream=True, decode=True, auth_config=_auth(image, credential)
        ):
            reader.read(event)
    return reader.digest


@contextmanager
def running(run: Run, credential: Credential, emit: Emit) -> Iterator[DockerContainer]:
    """Run an image; the container and its volumes are gone at the end."""
    pull(run.image, credential, emit)
    client = _client()
    place = "" if has_bridge() else _place(client, run)
    with host_ports.held(run.ports, place) if place else nullcontext():
        if place:
            docker_container.refuse_taken(run.ports, place)
        with _translated(f"running {run.image}"):
            container = DockerContainer(client, run, place=place)
        try:
            with _translated(f"starting {run.image}"):
                container.start()
            yield container
        finally:
            with _translated(f"removing the container of {run.image}"):
                container.remove()


def _place(client: Any, run: Run) -> str:
    """Return a container's address on the host's network."""
    host = docker_container.engine_host()
    if host != host_ports.LOOPBACK:  # loopback is another machine's
        return host
    with _translated(f"asking for {run.image}"):
        return host_ports.place(docker_container.environment(client, run))


def stop() -> None:
    """Nothing to do: the engine ends a build when the connection closes, and that happens when the process ends."""


def has_bridge() -> bool:
    """Return whether the engine has its default network, without which containers use the host's."""
    with _translated("asking for networks"):
        return bool(_client().networks(names=["^bridge$"])) or bool(_client().networks(names=["^podman$"]))


def default_network() -> str | None:
    """Return the network for RUN when none was asked for: the engine's default, or the host's where it has none."""
    return None if has_bridge() else "host"


def _cache(build: Build, credential: Credential) -> list[str]:
    """Return the image to take layers from, pulled; none where the engine has its own cache of this service.

    With an image to take layers from the classic builder no longer looks at layers of other stages.
    """
    if build.cache is None or has(build.cache):
        return []
    try:
        pull(build.cache, credential, lambda _: None)
    except McciError:  # the first build of all, or a registry that does not answer: then without a cache
        return []
    return [str(build.cache)]


def _auth(image: Reference, credential: Credential) -> dict[str, str]:
    """Return the credentials as the API takes them; an empty answer keeps the SDK from looking for others."""
    found = credential(image.host)
    if found is None:
        return {}
    if found.is_refresh_token:
        return {"identitytoken": found.secret, "serveraddress": image.host}
    return {"username": found.username, "password": found.secret, "serveraddress": image.host}


def _client() -> Any:
    """Return this thread's client: its connections are not to be shared."""
    client = getattr(_local, "client", None)
    if client is None:
        import docker

        with _translated("reaching the engine"):
            client = docker.APIClient(version="auto", timeout=TIMEOUT, **docker.utils.kwargs_from_env())
        _local.client = client
    return client


@contextmanager
def _translated(what: str) -> Iterator[None]:
    import docker.errors
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        raise told(what, str(error.explanation or error)) from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise EngineFailed(f"{what} failed: {_cause(error)}.") from error


def _cause(error: BaseException) -> str:
    """Return the innermost reason: what requests says is mostly about its own machinery."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return str(error) or type(error).__name__


def _absent(host: str) -> str:
    return f"no container engine answers at {host}. Start one, or name another with DOCKER_HOST."
