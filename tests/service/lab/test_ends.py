"""A lab ends whole, however it ends, is never there twice, and finds its way when others have its ports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients import background
from mcci.lab import networks
from mcci.lab.parts.clusters import Powered
from mcci.lab.parts.kept import keep, records
from mcci.lab.plan import Folder, Plan, Pods
from mcci.lab.program import Program
from tests.service.lab.conftest import Lab

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 60.0


def until(look: Callable[[], Any], what: str) -> None:
    """Wait until it is so."""
    end = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def folder(lab: Lab) -> Folder:
    """Return a lab's folder."""
    return Folder(path=lab.folder / "state")


def programs(lab: Lab) -> dict[str, tuple[int, str]]:
    """Return the processes of a lab, by name: its programs, and its supervisor."""
    body = lab.state
    found = {
        each.name: (each.pid, each.began)
        for part in folder(lab).programs.iterdir()
        for each in records(folder(lab), part.name)
    }
    return found | {"supervisor": (body["pid"], body["began"])}


def test_two_at_once(lab: Lab) -> None:
    """Of two `up`s at once one starts the lab and the other finds it; `down` twice is fine."""
    command = [sys.executable, "-m", "mcci", "lab", "up", "prod-aws", "--pods", "fake", "--format", "json"]
    both = [
        subprocess.Popen(
            command, env=lab.environment, cwd=lab.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    said = [each.communicate(timeout=SECONDS)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert {json.loads(each)["pid"] for each in said} == {lab.state["pid"]}
    lab.mcci("down")
    assert "the lab was not up" in lab.mcci("down").stderr


def test_folder_removed(lab: Lab) -> None:
    """A lab whose folder is removed under it ends by itself, with its programs."""
    lab.up("prod-aws", "--pods", "fake")
    found = programs(lab)
    assert "registry" in found
    shutil.rmtree(lab.folder / "state")
    for name, process in found.items():
        until(partial(_has_ended, *process), f"{name} to end")
    assert "not up" in lab.mcci("status", code=1).stderr


def _has_ended(pid: int, began: str) -> bool:
    return not background.is_alive(pid, began)


@pytest.mark.faults
def test_killed(lab: Lab) -> None:
    """What a supervisor that was killed with everything running has left is gone after `down`: processes, mounts."""
    lab.environment.pop("DOCKER_HOST", None)
    lab.up("prod-aws", "prod-azure", "--load", "nothing=1")
    until(lambda: "load" in programs(lab), "the load's sender")
    found = programs(lab)
    assert {"registry", "engine", "load", "Envoy of prod-aws", "Prometheus of prod-azure"} <= set(found)
    os.kill(found["supervisor"][0], signal.SIGKILL)
    assert background.is_alive(*found["engine"])
    lab.mcci("down")
    assert [name for name, process in found.items() if background.is_alive(*process)] == []
    assert str(lab.folder) not in Path("/proc/self/mounts").read_text()


def test_ports_taken(lab: Lab) -> None:
    """A port that another has taken meanwhile is given up for a free one."""
    before = lab.up("prod-aws", "--pods", "fake")
    lab.mcci("down")
    with ExitStack() as stack:
        for address in (before["clusters"][0]["url"].removeprefix("https://"), before["registry"]):
            stack.enter_context(_taken(address))
        after = lab.up("prod-aws", "--pods", "fake")
        assert after["registry"] != before["registry"]
        assert after["clusters"][0]["url"] != before["clusters"][0]["url"]
        assert "default" in lab.run("prod-aws", "kubectl", "get", "namespaces")


def _taken(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host, int(port)))
    found.listen()
    return found


def test_two_labs(tmp_path: Path) -> None:
    """Two labs at once have different addresses; one that comes back has its own again, if nobody has them."""
    one, other = Folder(path=tmp_path / "one"), Folder(path=tmp_path / "other")
    for each in (one, other):
        each.path.mkdir()
        (each.path / networks.FILE).write_text("59")
    with ExitStack() as first, ExitStack() as second:
        slots = networks.claim(one, first), networks.claim(other, second)
        assert slots[0] != slots[1]
    assert networks.remembered(one) == slots[0]
    with ExitStack() as stack:
        assert networks.claim(one, stack) == slots[0]


def test_cluster_that_dies(tmp_path: Path) -> None:
    """A cluster whose API has died is started again where it was, with its objects."""
    place = Folder(path=tmp_path)
    cluster = Powered("a", Plan(clusters={"a": "A"}, pods=Pods.FAKE), place, None)
    url = cluster.on()["url"]
    try:
        serving = next(each for each in threading.enumerate() if each.name == "cluster a")
        found = cluster.cluster
        assert found
        found._server.should_exit = True
        serving.join(SECONDS)
        assert not found.alive
        cluster.follow()
        assert cluster.cluster is not found
        assert cluster.cluster
        assert (cluster.cluster.alive, cluster.cluster.url) == (True, url)
    finally:
        cluster.off()


class Unruly(Program):
    """A program whose first starts fail in a way that nobody expected."""

    name = "unruly"
    tries = 0

    def __init__(self, log: Path) -> None:
        self._log = log

    def start(self) -> None:
        """Fail on the second try alone."""
        self.tries += 1
        if self.tries == 2:
            raise ValueError("surprise")
        self._launch(["sleep", "60"], self._log)


def test_surprise(tmp_path: Path) -> None:
    """A program whose restart fails by a bug is told and tried again, and nothing runs at the end."""
    place, program = Folder(path=tmp_path), Unruly(tmp_path / "log")
    with ExitStack() as stack:
        keep([program], stack, place, "test")
        (before,) = records(place, "test")
        os.kill(before.pid, signal.SIGKILL)
        until(lambda: next(records(place, "test")).problem, "the problem to be told")
        assert "ValueError('surprise')" in next(records(place, "test")).problem
        until(lambda: not next(records(place, "test")).problem, "a third start")
        (after,) = records(place, "test")
        assert after.alive
        assert (after.starts, after.problem) == (2, "")
    assert not background.is_alive(after.pid, after.began)
    assert list(records(place, "test")) == []
