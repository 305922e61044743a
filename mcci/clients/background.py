"""A process that outlives the one that starts it: told apart for good by its number and when it began."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLL = 0.02  # seconds


def start(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a program in a session of its own, its output in `log`; return its number."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=dict(environment),
            start_new_session=True,
        )  # fmt: skip
    process.returncode = 0  # it is not waited for: it is meant to go on
    return process.pid


def began(pid: int) -> str:
    """Return when a process began, in the system's own words; empty where there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if status[0] == "Z" else status[19]
    except FileNotFoundError:
        pass
    except (OSError, IndexError):
        return ""
    if Path("/proc/self/stat").exists():
        return ""
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def is_alive(pid: int, since: str) -> bool:
    """Say whether the process that began then still runs."""
    return bool(since) and began(pid) == since


def end(pid: int, since: str, grace: float) -> bool:
    """Send SIGTERM, and SIGKILL after `grace` seconds; return whether SIGTERM was enough."""
    polite = _signal(pid, since, signal.SIGTERM, grace)
    if not polite:
        _signal(pid, since, signal.SIGKILL, grace)
    return polite


def _signal(pid: int, since: str, number: int, seconds: float) -> bool:
    if not is_alive(pid, since):
        return True
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    until = time.monotonic() + seconds
    while is_alive(pid, since):
        if time.monotonic() > until:
            return False
        time.sleep(POLL)
    return True
