"""What to start: each service's command and environment, from the source tree beside this folder."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# In the order of starting: who is called comes before who calls.
CALLS: dict[str, dict[str, str]] = {
    "position-tracker": {},
    "position-simulator": {"TRACKER_URL": "position-tracker"},
    "vehicle-telemetry": {"TRACKER_URL": "position-tracker"},
    "staff-service": {},
    "api-gateway": {
        "SIMULATOR_URL": "position-simulator",
        "TRACKER_URL": "position-tracker",
        "TELEMETRY_URL": "vehicle-telemetry",
        "STAFF_URL": "staff-service",
    },
    "webapp": {"GATEWAY_URL": "api-gateway"},
}


class SetupError(Exception):
    """The services cannot be set up; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalService:
    """One process to run: its name, command, whole environment, port and, where wanted, its log's folder."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    port: int
    logs: Path | None = None
    ready_path: str = "/readyz"


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def source_folders() -> list[Path]:
    """The source folders of the shared library and of every service."""
    return [ROOT / "servicekit" / "src", *(ROOT / name / "src" for name in CALLS)]


def base_environment() -> dict[str, str]:
    """This process' environment, less what could configure a service by accident, with the sources importable."""
    kept = {
        key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV") if key in os.environ
    }
    paths = [str(folder) for folder in source_folders()]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def from_source(
    *, environment: Mapping[str, Mapping[str, str]], webapp_port: int = 0, logs: Path | None = None
) -> list[LocalService]:
    """The six services on free ports with their `local` profiles; `environment` adds variables by service."""
    ports = dict(zip(CALLS, free_ports(len(CALLS)), strict=True))
    if webapp_port:
        ports["webapp"] = webapp_port
    services = []
    for name, calls in CALLS.items():
        urls = {variable: f"http://127.0.0.1:{ports[called]}" for variable, called in calls.items()}
        variables = {**base_environment(), "PROFILE": "local", "PORT": str(ports[name]), **urls}
        services.append(
            LocalService(
                name=name,
                command=(sys.executable, "-m", name.replace("-", "_")),
                environment={**variables, **environment.get(name, {})},
                port=ports[name],
                logs=logs,
            )
        )
    return services
