"""Starting, watching and stopping a set of services: all of them end with this process, none is left behind."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from localrun.services import LocalService

START_SECONDS = 20.0
STOP_SECONDS = 15.0
LAST_LINES = 15


class ServiceDied(Exception):
    """A service ended, or was not ready in time; the message holds its last lines."""


class Fleet:
    """Running services by name. As a context manager it stops, at the end, whatever still runs."""

    def __init__(self, services: Sequence[LocalService]) -> None:
        self.services = {service.name: service for service in services}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._outputs: dict[str, IO[bytes]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="sample-app-")

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for output in self._outputs.values():
            output.close()
        self._folder.cleanup()

    def url(self, name: str) -> str:
        """The address of a service."""
        service = self.services[name]
        return f"http://127.0.0.1:{service.port}/"

    def start(self, stop: threading.Event | None = None) -> Iterator[tuple[str, float]]:
        """Start all and yield each name, with seconds since the start, as it is ready. Raises ServiceDied."""
        begin = time.monotonic()
        for name in self.services:
            self.start_one(name)
        for name in self.services:
            while not self.is_ready(name):
                if stop is not None and stop.is_set():
                    return
                self.check(name)
                if time.monotonic() - begin > START_SECONDS:
                    raise ServiceDied(f"{name} was not ready after {START_SECONDS:.0f} s\n{self.last_lines(name)}")
                time.sleep(0.05)
            yield name, time.monotonic() - begin

    def start_all(self) -> None:
        """Start all and return when every one is ready. Raises ServiceDied."""
        for _ in self.start():
            pass

    def start_one(self, name: str) -> None:
        """Start one service, again if it ran before; its log goes on."""
        service = self.services[name]
        if name not in self._outputs:
            self._outputs[name] = self._log(name).open("ab")
        output = self._outputs[name]
        self.processes[name] = subprocess.Popen(
            service.command,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then stops the services in order
        )

    def is_ready(self, name: str) -> bool:
        """Whether the service says it is ready."""
        service = self.services[name]
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=2)
        with contextlib.closing(connection):
            try:
                connection.request("GET", service.ready_path)
                return connection.getresponse().status == http.client.OK
            except OSError:
                return False

    def check(self, name: str) -> None:
        """Raise ServiceDied when the service has ended."""
        code = self.processes[name].poll()
        if code is not None:
            raise ServiceDied(f"{name} ended with exit code {code}; its last lines:\n{self.last_lines(name)}")

    def watch(self, stop: threading.Event) -> None:
        """Return when `stop` is set; raise ServiceDied when a service ends before."""
        while not stop.wait(0.2):
            for name in self.processes:
                self.check(name)

    def stop(self, *names: str) -> dict[str, int]:
        """Stop these services (all, when none is named), callers before the called; their exit codes."""
        chosen = [name for name in reversed(self.processes) if name in names or not names]
        for name in chosen:
            self.processes[name].terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for name in chosen:
            try:
                self.processes[name].wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.processes[name].kill()
                self.processes[name].wait()
        return {name: self.processes.pop(name).returncode for name in chosen}

    def last_lines(self, name: str) -> str:
        """The end of a service's log."""
        lines = self._log(name).read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])

    def _log(self, name: str) -> Path:
        folder = self.services[name].logs or Path(self._folder.name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"
