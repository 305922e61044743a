"""A real `dockerd`, started by hand: Debian's docker.io, without networks of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.registry.servers import need

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def dockerd(folder: Path, data: Path | None = None) -> Iterator[str]:
    """Run an engine that keeps its state in `folder` (its images in `data`), and give its address."""
    os.environ["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    program = need("dockerd", "docker.io")
    if os.geteuid():
        reason = "dockerd must be started by root: run the tests with sudo"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder.mkdir(parents=True, exist_ok=True)
    address = folder / "docker.sock"
    arguments = [
        program, "--data-root", str(data or folder / "data"), "--exec-root", str(folder / "exec"),
        "--pidfile", str(folder / "pid"), "-H", f"unix://{address}", "--storage-driver", "overlay2",
        "--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            _wait(address, process, folder / "log")
            yield f"unix://{address}"
        finally:
            process.terminate()
            process.wait(30)
            unmount_below(folder)
            shutil.rmtree(folder, ignore_errors=True)


def unmount_below(folder: Path) -> None:
    """Unmount what an engine leaves mounted below `folder` when it ends: its network namespace, and layers."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for path in reversed(mounted):
        if path.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", path], check=True)


def _wait(address: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(address))
            return
        time.sleep(0.05)
    pytest.fail(f"dockerd does not come up: {log.read_text()}")
