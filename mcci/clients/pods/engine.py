"""Pods' containers on an engine that speaks Docker's API, on the host's network: each pod listens on its own address.

Everything started carries its owner's label, so that what a dead owner left can be found and ended.
"""

from __future__ import annotations

import platform
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from mcci.clients.engines import docker_sdk
from mcci.clients.engines.model import EngineFailed
from mcci.clients.pods.model import OUT_OF_MEMORY, ImageFacts, NotStarted, Start
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.clients.engines.model import Credential
    from mcci.clients.registry.reference import Reference

LABEL = "io.mcci.lab"
TIMEOUT = 60.0  # seconds that the engine may take to answer

_local = threading.local()


def answers() -> bool:
    """Say whether an engine answers here; one that is named but away is waited for."""
    try:
        docker_sdk.check()
    except McciError:
        return False
    return True


def is_up() -> bool:
    """Say whether the engine at DOCKER_HOST answers now, without waiting for it."""
    import docker.errors
    import requests

    try:
        client = _new_client(TIMEOUT)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (docker.errors.DockerException, requests.RequestException):
        return False


def elsewhere() -> str:
    """Return where the engine runs containers, if that is not on this machine's own network; else nothing.

    It says the host's name, which a virtual machine, another machine and a container have of their own.
    """
    import docker.errors
    import requests

    try:
        client = _new_client(TIMEOUT)
        try:
            found = client.info()
        finally:
            client.close()
    except (docker.errors.DockerException, requests.RequestException):
        return ""
    if any("rootless" in each for each in found.get("SecurityOptions") or ()):
        return "in a namespace of its own, as rootless Docker does"
    name = str(found.get("Name", ""))
    return f"on {name}, which is not this machine" if name and name != platform.node() else ""


def facts(image: Reference, credential: Credential, policy: str) -> ImageFacts:
    """Return what is known of an image, pulled as `policy` says. Raises `McciError` where it cannot be had."""
    present = docker_sdk.has(image)
    if policy == "Never" and not present:
        raise McciError(f'Container image "{image}" is not present with pull policy of Never')
    if policy == "Always" or not present:
        docker_sdk.pull(image, credential, lambda _: None, missing=False)
    with _translated(f"inspecting {image}"):
        found = _client().inspect_image(str(image.at(image.version)))
    config = found.get("Config") or {}
    pairs = (entry.partition("=") for entry in config.get("Env") or ())
    digests = [each for each in found.get("RepoDigests") or () if each.startswith(f"{image.name}@")]
    return ImageFacts(
        name=str(image),
        id=f"{image.name}@{image.digest}" if image.digest else (digests or [found["Id"]])[0],
        present=present,
        environment={name: value for name, _, value in pairs},
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        folder=config.get("WorkingDir") or "",
    )


class EngineContainer:
    """A container that the engine runs."""

    def __init__(self, client: Any, identity: str) -> None:
        self._client, self._id = client, identity

    def follow(self, log: Callable[[bytes], None]) -> int:
        """Hand its output on until it ends, then remove it and return its exit code."""
        client = _new_client(None)  # a service may be quiet for long
        try:
            for piece in client.attach(self._id, stdout=True, stderr=True, stream=True, logs=True):
                log(piece)
            code = int(client.wait(self._id)["StatusCode"])
            used_up = client.inspect_container(self._id)["State"].get("OOMKilled")
            return OUT_OF_MEMORY if used_up else code
        finally:
            self.remove()
            client.close()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        import docker.errors
        import requests

        with suppress(docker.errors.DockerException, requests.RequestException):  # it, or the engine, has ended
            _client().kill(self._id, signal.Signals(number).name)

    def execute(self, command: tuple[str, ...]) -> tuple[int, str]:
        """Run a command in it."""
        import docker.errors
        import requests

        try:
            client = _client()
            made = client.exec_create(self._id, list(command))
            output = client.exec_start(made["Id"])
            code = client.exec_inspect(made["Id"])["ExitCode"]
        except (docker.errors.DockerException, requests.RequestException) as error:
            return 126, _words(error)
        return int(code or 0), output.decode(errors="replace")

    def remove(self) -> None:
        """End and remove it, with its anonymous volumes."""
        _remove(_client(), self._id)


def start(spec: Start, owner: str) -> EngineContainer:
    """Start a container. Raises `NotStarted`."""
    client = _client()
    binds = [f"{each.source}:{each.target}{':ro' if each.read_only else ''}" for each in spec.volumes]
    try:
        host = client.create_host_config(
            network_mode="host",
            binds=binds,
            read_only=spec.read_only,
            cap_drop=["ALL"] if spec.user and not spec.user.startswith("0") else None,
            security_opt=["no-new-privileges"],
            mem_limit=spec.memory or None,
        )
        made = client.create_container(
            spec.image,
            command=list(spec.command[1:]),
            entrypoint=list(spec.command[:1]) or None,
            environment=dict(spec.environment),
            user=spec.user or None,
            working_dir=spec.folder or None,
            host_config=host,
            labels={LABEL: owner, f"{LABEL}.container": spec.label},
        )
    except Exception as error:
        raise NotStarted(_words(error)) from error
    try:
        client.start(made["Id"])
    except Exception as error:
        _remove(client, made["Id"])
        raise NotStarted(_words(error)) from error
    return EngineContainer(client, made["Id"])


def clean(owner: str) -> None:
    """End and remove every container of an owner."""
    with _translated("looking for what was left running"):
        client = _client()
        for each in client.containers(all=True, filters={"label": f"{LABEL}={owner}"}):
            _remove(client, each["Id"])


def _remove(client: Any, identity: str) -> None:
    import docker.errors
    import requests

    with suppress(docker.errors.DockerException, requests.RequestException):
        client.remove_container(identity, v=True, force=True)


def _client() -> Any:
    """Return this thread's client: its connections are not to be shared."""
    if getattr(_local, "client", None) is None:
        _local.client = _new_client(TIMEOUT)
    return _local.client


def _new_client(timeout: float | None) -> Any:
    import docker

    return docker.APIClient(version="auto", timeout=timeout, **docker.utils.kwargs_from_env())


@contextmanager
def _translated(what: str) -> Iterator[None]:
    import docker.errors
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineFailed(f"{what} failed: {_words(error)}") from error


def _words(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)
