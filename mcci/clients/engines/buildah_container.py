"""A container that buildah runs: its command as a process of this one, on the host's network."""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from mcci.clients import processes
from mcci.clients.engines import host_ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from mcci.clients.engines.model import Run


class BuildahContainer:
    """One container of buildah's. Its health check and its stop signal are not carried out."""

    def __init__(self, name: str, run: Run, config: Mapping[str, Any], place: str) -> None:
        """`place` is its address on the host's network."""
        self._place = place
        self._log = TemporaryFile("a+b")  # noqa: SIM115 - closed in __exit__; the process appends, wherever it is read
        command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
        environment = {**host_ports.moved(config.get("Env") or [], place), **run.environment}
        variables = [f"--env={key}={value}" for key, value in sorted(environment.items())]
        self._arguments = ["buildah", "run", *variables, name, "--", *command]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> BuildahContainer:
        self._process = subprocess.Popen(
            self._arguments, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=dict(os.environ),
            start_new_session=True,
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process is not None:
            processes.end(self._process)
        self._log.close()

    def addresses(self, port: int) -> tuple[str, ...]:
        """Return where `port` may answer."""
        return (f"{self._place}:{port}",)

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._process.poll() if self._process else None

    def log(self) -> str:
        """Return its log."""
        with suppress(ValueError):
            self._log.seek(0)
            return self._log.read().decode(errors="replace")
        return ""

    def __repr__(self) -> str:
        return shlex.join(self._arguments)
