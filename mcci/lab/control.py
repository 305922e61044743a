"""A lab from outside: started in the background, looked at, ended."""

from __future__ import annotations

import fcntl
import shutil
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mcci.clients import background
from mcci.errors import ServiceFailed, UsageError
from mcci.lab.load import model as load
from mcci.lab.parts import PARTS
from mcci.lab.plan import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcci.lab.plan import Folder, Plan

START = 120.0  # seconds that a lab may take to come up
JOIN = 60.0  # seconds more for each cluster that is joined to others
GRACE = 30.0  # seconds that it may take to end
LAST = 15  # lines of the log that an error shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A lab as its supervisor describes it. `alive` says whether that still runs; `ready`, whether all has started."""

    alive: bool
    ready: bool
    pid: int
    began: str
    since: str
    said: tuple[str, ...]
    parts: Mapping[str, Any]

    @property
    def exports(self) -> dict[str, str]:
        """The variables that commands need to reach the lab."""
        found = {each["variable"]: each["kubeconfig"] for each in self.parts.get("clusters", {}).values()}
        registry = self.parts.get("registry", {})
        found |= {registry["variable"]: registry["host"]} if registry.get("host") else {}
        engine = self.parts.get("engine", {})
        return found | ({"DOCKER_HOST": engine["host"]} if engine.get("own") else {})


def status(folder: Folder) -> Status | None:
    """Return what is known of a lab; None where none was started, or it was ended in order."""
    body = read_json(folder.state)
    if body is None:
        return None
    return Status(
        alive=background.is_alive(body["pid"], body["began"]), ready=body["ready"], pid=body["pid"],
        began=body["began"], since=body["since"], said=tuple(body["said"]), parts=body["parts"],
    )  # fmt: skip


def up(plan: Plan, folder: Folder, environment: Mapping[str, str], say: Callable[[str], None]) -> Status:
    """Start a lab, or return the one that runs. Raises `UsageError` where that is another, `ServiceFailed`."""
    if find_spec("uvicorn") is None:
        raise UsageError("the lab needs libraries that mcci does without: pip install 'mcci[lab]'")
    seconds = START + (JOIN * len(plan.clusters) if plan.vpn else 0)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.path.chmod(0o700)
    with (folder.path / "up").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two at once one starts the lab, and the other finds it
        folder.path.mkdir(parents=True, exist_ok=True)  # a `down --delete` may have come between
        return _up(plan, folder, environment, say, seconds)


def _up(
    plan: Plan, folder: Folder, environment: Mapping[str, str], say: Callable[[str], None], seconds: float
) -> Status:
    found = status(folder)
    if found and found.alive:
        if folder.read_plan() != plan:
            raise UsageError(
                f"a lab runs already in {folder.path}, with other clusters or pods than asked for now. End it first:"
                " mcci lab down"
            )
        return _wait(folder, found.pid, found.began, say, seconds)
    _clean(folder, found)
    load.forget(folder)
    folder.write_plan(plan)
    folder.state.unlink(missing_ok=True)
    folder.log.write_text("")
    command = [sys.executable, "-m", "mcci.lab.supervisor", str(folder.path)]
    pid = background.start(command, folder.log, environment)
    return _wait(folder, pid, background.began(pid), say, seconds)


def down(folder: Folder, *, delete: bool) -> bool:
    """End a lab and all that it runs; return whether there was one. `delete` forgets its state, too.

    Raises `ServiceFailed` where its process does not end.
    """
    found = status(folder)
    if found:
        background.end(found.pid, found.began, GRACE)
        if background.is_alive(found.pid, found.began):
            raise ServiceFailed(f"the lab's process {found.pid} does not end; its log is {folder.log}")
        _clean(folder, status(folder))
    if delete:
        shutil.rmtree(folder.path, ignore_errors=True)
    return found is not None


def power(folder: Folder, cluster: str, *, on: bool) -> None:
    """Switch one cluster of a running lab off, as a cloud that is lost, or on again; returns when that is done.

    Raises `UsageError` where no such cluster runs, `ServiceFailed` where it takes too long.
    """
    found = status(folder)
    if found is None or not found.alive or cluster not in found.parts.get("clusters", {}):
        raise UsageError(
            f"no cluster {cluster} runs in the lab of {folder.path}: `mcci lab status` shows those that do."
        )
    wanted, there = folder.off(cluster), folder.is_off(cluster)
    wanted.unlink(missing_ok=True) if on else wanted.touch()
    until = time.monotonic() + GRACE
    while there.exists() is on:
        if time.monotonic() > until:
            raise ServiceFailed(f"the cluster {cluster} does not go {'on' if on else 'off'}; the log is {folder.log}")
        time.sleep(0.02)


def _clean(folder: Folder, found: Status | None) -> None:
    """End what a supervisor that was killed has left, if there is any."""
    plan = folder.read_plan()
    if found is None and not any(folder.programs.glob("*/*.json")):
        return
    for part in PARTS if plan else ():
        assert plan
        part.clean(plan, folder, found.parts.get(part.NAME, {}) if found else {})
    folder.state.unlink(missing_ok=True)


def _wait(folder: Folder, pid: int, began: str, say: Callable[[str], None], seconds: float) -> Status:
    until = time.monotonic() + seconds
    told = 0
    while True:
        found = status(folder)
        if found and found.pid == pid:
            for line in found.said[told:]:
                say(line)
            told = len(found.said)
            if found.ready:
                return found
        if not background.is_alive(pid, began):
            raise ServiceFailed(f"the lab did not start:\n{_last_lines(folder)}")
        if time.monotonic() > until:
            background.end(pid, began, GRACE)
            raise ServiceFailed(f"the lab was not up after {seconds:.0f} s, and was ended:\n{_last_lines(folder)}")
        time.sleep(0.02)


def _last_lines(folder: Folder) -> str:
    return "\n".join(folder.log.read_text(errors="replace").splitlines()[-LAST:])
