"""A program with everything that it starts: all of it can be ended.

A process that leaves its group (a daemon) is found by a mark in its environment.
"""

from __future__ import annotations

import hashlib
import os
import select
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PIECE = 64 * 1024  # bytes read at a time
MARK = "MCCI_REHEARSAL_JOB"
LOOK = 0.05  # seconds between two looks at whether to stop


def mark_of(token: str) -> str:
    """Return the mark of a job, from its token: no other job has it, be it another rehearsal's on this machine."""
    return hashlib.sha256(token.encode()).hexdigest()[:24]


class TimedOut(Exception):
    """The program took longer than it may."""


class Stopped(Exception):
    """The program was ended because somebody wanted that."""


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    mark: str,
    output: Callable[[bytes], None],
    stop: threading.Event,
    timeout: float,
    grace: float,
) -> int:
    """Run a program without input, give its output in pieces to `output`, and return its exit code.

    Raises `TimedOut` after `timeout` seconds and `Stopped` once `stop` is set: the program then gets SIGTERM and,
    `grace` seconds later, SIGKILL. However it ends, nothing that it started is left.
    """
    process = subprocess.Popen(
        list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
        env={**environment, MARK: mark}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    stream = process.stdout
    reader = threading.Thread(target=_read, args=(stream.fileno(), output), daemon=True)
    reader.start()
    end = time.monotonic() + timeout
    ended: Exception | None = None
    try:
        while not _ends(process, LOOK) and ended is None:
            if stop.is_set():
                ended = Stopped()
            elif time.monotonic() > end:
                ended = TimedOut()
        if ended is not None:
            _signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace)
    finally:
        _signal(process, signal.SIGKILL)
        end_marked(mark)
        code = process.wait()
        reader.join(5)
        stream.close()
    if ended is not None:
        raise ended
    return code


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Return whether a process ends within so many seconds, at once when it does where the system can say so."""
    if process.poll() is not None:
        return True
    if not hasattr(os, "pidfd_open"):
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.returncode is not None
    handle = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(handle)
    return process.poll() is not None


def end_marked(mark: str) -> None:
    """Kill every process that carries this mark in its environment."""
    wanted = f"{MARK}={mark}".encode()
    for name in os.listdir("/proc") if Path("/proc").is_dir() else ():
        # Plain files, since it is done for each step of each job over all processes of the machine.
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        with suppress(OSError), open(f"/proc/{name}/environ", "rb", buffering=0) as environ:
            if wanted in environ.read().split(b"\0"):
                os.kill(int(name), signal.SIGKILL)


def _read(stream: int, output: Callable[[bytes], None]) -> None:
    with suppress(OSError):
        while data := os.read(stream, PIECE):
            output(data)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
