"""Programs that run beside mcci until they are stopped: Envoy, Prometheus and others of the lab."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from mcci.errors import ServiceFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

GRACE = 5.0  # seconds between SIGTERM and SIGKILL
LAST = 20  # lines of the log that an error shows


class Daemon:
    """A program in a process group of its own, its output in `log`. A context manager that stops it."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start the program. Raises `UsageError` when it is not there. `environment` replaces mcci's own."""
        self.name = os.path.basename(arguments[0])
        self._log = log
        with log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    list(arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    env=None if environment is None else dict(environment), cwd=folder, start_new_session=True,
                )  # fmt: skip
            except FileNotFoundError as error:
                raise UsageError(f"the program {arguments[0]} is needed, and it is not there.") from error

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until `ready`. Raises `ServiceFailed`, with its last lines, where it ends or takes longer."""
        end = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise ServiceFailed(f"{self.name} ended with {self._process.returncode}:\n{self.tail()}")
            if time.monotonic() > end:
                raise ServiceFailed(f"{self.name} was not ready after {seconds:g} s:\n{self.tail()}")
            time.sleep(0.02)

    def tail(self, lines: int = LAST) -> str:
        """Return the last lines of the log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, grace: float = GRACE) -> None:
        """End it and its group: politely, then not. Does nothing once it has ended."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
