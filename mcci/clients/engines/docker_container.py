"""A container of Docker's API that a service's tests speak to."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcci.clients import probe
from mcci.clients.engines import host_ports
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.clients.engines.model import Run

STOP = 2  # seconds between SIGTERM and SIGKILL: what is tested is thrown away
LABEL = "io.mcci.test"


class DockerContainer:
    """One container, made and not yet started.

    On an engine with its own network the ports are published on free ones of its host; else the container shares the
    host's network.
    """

    def __init__(self, client: Any, run: Run, *, place: str = "") -> None:
        """`place` is its address on the host's network; "" is the engine's own network."""
        self._client = client
        self._place = place
        bridged = not place
        own = host_ports.moved(environment(client, run), place) if place else {}
        bindings = dict.fromkeys(run.ports) if bridged else None
        host = client.create_host_config(
            port_bindings=bindings, network_mode=None if bridged else "host", auto_remove=False
        )
        self._id: str = client.create_container(
            str(run.image),
            environment={**own, **run.environment},
            ports=list(run.ports) if bridged else None,
            host_config=host,
            labels={LABEL: "1"},
        )["Id"]

    def start(self) -> None:
        """Start it."""
        self._client.start(self._id)

    def addresses(self, port: int) -> tuple[str, ...]:
        """Return where `port` may answer: published on the engine's host, or on the container itself.

        A job that uses the runner's own engine by its socket is itself a container: it reaches the other one directly.
        """
        if self._place:
            return (f"{self._place}:{port}",)
        settings = self._client.inspect_container(self._id)["NetworkSettings"]
        published = (settings.get("Ports") or {}).get(f"{port}/tcp") or []
        found = [f"{engine_host()}:{each['HostPort']}" for each in published[:1]]
        networks = (settings.get("Networks") or {}).values()
        return (*found, *(f"{each['IPAddress']}:{port}" for each in networks if each.get("IPAddress")))

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        state = self._client.inspect_container(self._id)["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def log(self) -> str:
        """Return its log."""
        return bytes(self._client.logs(self._id, tail=1000)).decode(errors="replace")

    def remove(self) -> None:
        """Stop and remove it, with its anonymous volumes."""
        import docker.errors

        try:
            self._client.stop(self._id, timeout=STOP)
        except docker.errors.NotFound:
            return
        finally:
            with suppress(docker.errors.NotFound):
                self._client.remove_container(self._id, v=True, force=True)


def environment(client: Any, run: Run) -> list[str]:
    """Return the variables that an image sets, each `NAME=value`."""
    return list(client.inspect_image(str(run.image))["Config"].get("Env") or [])


def refuse_taken(ports: Iterable[int], host: str) -> None:
    """Raise `UsageError` when something answers on one of `ports` already: on the host's network it would be tested."""
    for port in ports:
        if not probe.answers(host, port, ""):
            raise UsageError(
                f"something listens on port {port} already, and the candidate would share the host's network, since"
                " this engine has none of its own. Stop that, or use an engine with its default network."
            )


def engine_host() -> str:
    """Return the host that the engine publishes ports on."""
    return urlsplit(os.environ.get("DOCKER_HOST", "")).hostname or host_ports.LOOPBACK
