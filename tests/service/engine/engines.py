"""A real `dockerd`, started by hand: Debian's docker.io, without networks of its own unless it is given one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.registry.servers import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def dockerd(folder: Path, data: Path | None = None, *, options: Sequence[str] = ("--bridge=none",)) -> Iterator[str]:
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
        "--iptables=false", "--ip6tables=false", "--ip-forward=false", *options,
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


@contextlib.contextmanager
def bridge() -> Iterator[str]:
    """Make a network bridge for an engine, and give its name: one of its own, so that no other engine's is touched."""
    program = need("ip", "iproute2")
    name = f"mcci{secrets.token_hex(4)}"
    address = f"10.251.{secrets.randbelow(250) + 1}.1/24"
    for arguments in (
        ["link", "add", "name", name, "type", "bridge"], ["address", "add", address, "dev", name],
        ["link", "set", name, "up"],
    ):  # fmt: skip
        subprocess.run([program, *arguments], check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run([program, "link", "delete", name], check=True, capture_output=True)


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
