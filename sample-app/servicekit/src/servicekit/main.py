"""A service's `main`: settings, logs, socket, server; and the one place where an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

from starlette.applications import Starlette

from servicekit.app import Service
from servicekit.logs import configure_logs
from servicekit.profile import ProfileError, load_settings
from servicekit.server import bind, serve
from servicekit.settings import ServiceSettings

Settings = TypeVar("Settings", bound=ServiceSettings)


def run(package: str, settings: type[Settings], build: Callable[[Service, Settings], Starlette]) -> None:
    """Run the service in `package` until SIGTERM; ends the process.

    Exit codes: 0 drained and stopped, 1 could not listen or broke while running, 2 unusable configuration.
    """
    name = package.replace("_", "-")
    try:
        loaded = load_settings(settings, package, os.environ)
    except ProfileError as error:
        sys.exit(_say(name, error, 2))
    configure_logs(name, loaded.service_version, loaded.log_level)
    try:
        listener = bind(loaded.bind, loaded.port)
    except OSError as error:
        sys.exit(_say(name, f"cannot listen on {loaded.bind}:{loaded.port}: {error.strerror}", 1))
    service = Service.create(name, loaded)
    sys.exit(serve(build(service, loaded), service, listener))


def _say(name: str, error: object, code: int) -> int:
    print(f"{name}: {error}", file=sys.stderr)
    return code
