"""Processes whose output is read line by line, and which never outlive the work they are part of."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

GRACE = 5.0  # seconds between SIGTERM and SIGKILL

_running: set[subprocess.Popen[bytes]] = set()
_lock = threading.Lock()


class OutOfTime(Exception):
    """The process was ended because it took too long."""


def run(
    arguments: Sequence[str],
    line: Callable[[str], None],
    *,
    environment: Mapping[str, str],
    folder: Path | None = None,
    timeout: float | None = None,
) -> int:
    """Run a program in a process group of its own, give each line of its output to `line`, and return its exit code.

    Both streams are one. However this ends, the group is gone. Raises `UsageError` when the program is not there,
    `OutOfTime` after `timeout` seconds.
    """
    try:
        process = subprocess.Popen(
            list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(environment), cwd=folder, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UsageError(f"the program {arguments[0]} is needed, and it is not on PATH.") from error
    late = threading.Event()

    def give_up() -> None:
        late.set()
        end(process)

    timer = threading.Timer(timeout or 0, give_up)
    with _lock:
        _running.add(process)
    try:
        if timeout is not None:
            timer.start()
        assert process.stdout is not None
        for raw in process.stdout:
            line(raw.decode(errors="replace").rstrip("\r\n"))
        code = process.wait()
    finally:
        timer.cancel()
        end(process)
        if process.stdout is not None:
            process.stdout.close()
        with _lock:
            _running.discard(process)
    if late.is_set():
        raise OutOfTime
    return code


def stop_all() -> None:
    """End every process that another thread runs here."""
    with _lock:
        found = list(_running)
    for process in found:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group: politely, then not."""
    _signal(process, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
