"""A local GitLab or a runner that is killed: what was done is still there, what ran goes on or has failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gitlab
import pytest

from mcci.clients import ports
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
from tests.service.rehearsal.conftest import git

if TYPE_CHECKING:
    from collections.abc import Iterator

GITLAB = """
import sys, threading
from pathlib import Path
from mcci.rehearsal.gitlab.model import User
from mcci.rehearsal.gitlab.server import Server
from mcci.rehearsal.gitlab.site import Site
ada = User(id=1, login="ada", name="Ada", email="ada@example.com")
site = Site(Path(sys.argv[1]), path="vehicles/app", users=[ada], silence=float(sys.argv[3]))
with Server(site, port=int(sys.argv[2])):
    print("up", flush=True)
    threading.Event().wait()
"""
RUNNER = """
import sys, threading
from pathlib import Path
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
with Runner(Path(sys.argv[1]), url=sys.argv[2], token=sys.argv[3], executor=lambda _: Shell(), jobs=1):
    print("up", flush=True)
    threading.Event().wait()
"""
CONFIGURATION = """
stages: [build, wait, deploy]
build:
  stage: build
  script: [echo built > out, echo "VERSION=7" > build.env]
  artifacts: {paths: [out], reports: {dotenv: build.env}}
long:
  stage: wait
  script: [echo before, 'while [ ! -e "$FLAG" ]; do sleep 0.1; done', echo after, 'touch "$FLAG.done"']
deploy:
  stage: deploy
  needs: [build]
  when: manual
  environment: production
  script: [test "$(cat out) $VERSION" = "built 7"]
"""


@dataclass(slots=True, kw_only=True)
class Killable:
    """A GitLab in a process of its own, on one port in one folder."""

    folder: Path
    port: int
    silence: float = 60.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, also again."""
        self.process = _started([GITLAB, str(self.folder), str(self.port), str(self.silence)])

    def kill(self) -> None:
        """Kill it."""
        assert self.process is not None
        _end(self.process)

    @property
    def kept(self) -> dict[str, Any]:
        """What it keeps of its project."""
        found: dict[str, Any] = json.loads((self.folder / "site.json").read_text())
        return found

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def project(self) -> Any:
        """The project, through python-gitlab."""
        return gitlab.Gitlab(self.url, private_token=self.kept["users"][0]["token"]).projects.get("vehicles/app")

    def push(self, folder: Path, configuration: str) -> None:
        """Push a first commit."""
        folder.mkdir()
        (folder / ".gitlab-ci.yml").write_text(configuration)
        git(folder, "init", "-q", "-b", "main")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "first")
        token = self.kept["users"][0]["token"]
        git(folder, "push", "-q", f"http://ada:{token}@127.0.0.1:{self.port}/vehicles/app.git", "main")


def _started(arguments: list[str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE)  # its end is the caller's
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


def _left(folder: Path) -> bool:
    """Whether a job of the runner in `folder` runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{folder}/builds/".encode() in path.read_bytes():
                return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Killable]:
    """Run a GitLab that can be killed."""
    found = Killable(folder=tmp_path / "gitlab", port=ports.kept(tmp_path / "port"))
    found.start()
    yield found
    found.kill()


@contextmanager
def running(found: Killable, folder: Path) -> Iterator[Runner]:
    """Run a runner here."""
    with Runner(folder, url=found.url, token=found.kept["settings"]["runner_token"], executor=lambda _: Shell()) as it:
        yield it


def until(project: Any, number: int, status: str) -> Any:
    """Wait until a job has a status, and return it."""
    end = time.monotonic() + 30
    while (job := project.jobs.get(number)).status != status and time.monotonic() < end:
        time.sleep(0.1)
    assert job.status == status
    return job


def says(project: Any, number: int, text: bytes) -> None:
    """Wait until a job's log has a text."""
    end = time.monotonic() + 30
    while text not in project.jobs.get(number).trace() and time.monotonic() < end:
        time.sleep(0.1)
    assert text in project.jobs.get(number).trace()


def seen(project: Any) -> list[Any]:
    """Return what the API says of everything."""
    return [
        [each.attributes for each in project.pipelines.list(get_all=True)],
        [{**each.attributes, "duration": None} for each in project.pipelines.get(1).jobs.list(get_all=True)],
        [each.attributes for each in project.environments.list(get_all=True)],
        [each.attributes for each in project.variables.list(get_all=True)],
        [each.attributes for each in project.triggers.list(get_all=True)],
        [each.attributes for each in project.protectedbranches.list(get_all=True)],
        [each.attributes for each in project.mergerequests.list(get_all=True)],
    ]


def test_gitlab_is_killed(killable: Killable, tmp_path: Path) -> None:
    """After kill -9 and a new start all is listed as it was; the running job goes on, the manual one can be played."""
    project = killable.project
    project.variables.create({"key": "FLAG", "value": str(tmp_path / "flag")})
    project.triggers.create({"description": "deliver"})
    project.environments.create({"name": "stage", "tier": "staging"})
    killable.push(tmp_path / "checkout", CONFIGURATION)
    with running(killable, tmp_path / "runner"):
        build, long, deploy = sorted(project.pipelines.get(1).jobs.list(get_all=True), key=lambda each: each.id)
        until(project, build.id, "success")
        says(project, long.id, b"\nbefore")
        project.branches.create({"branch": "topic", "ref": "main"})
        project.mergerequests.create({"source_branch": "topic", "target_branch": "main", "title": "Topic"})
        project.pipelines.get(2).cancel()
        before, trace = seen(project), project.jobs.get(build.id).trace()
        killable.kill()
        (tmp_path / "flag").touch()
        end = time.monotonic() + 30
        while not (tmp_path / "flag.done").exists() and time.monotonic() < end:
            time.sleep(0.05)  # the job goes on meanwhile, and its runner finds nobody
        killable.start()
        assert seen(project)[1][0]["id"] == before[1][0]["id"]
        assert project.jobs.get(build.id).trace() == trace
        done = until(project, long.id, "success")
        assert b"\nbefore" in done.trace()
        assert b"\nafter" in done.trace()
        assert seen(project)[2:] == before[2:]
        project.jobs.get(deploy.id).play()
        until(project, deploy.id, "success")
        assert project.environments.list(search="production")[0].name


def test_all_is_as_it_was(killable: Killable, tmp_path: Path) -> None:
    """Two kills, nothing having happened between: the API says the same, to the last field."""
    project = killable.project
    project.variables.create({"key": "HIDDEN", "value": "secret-value", "masked_and_hidden": True})
    project.pipelineschedules.create({"description": "nightly", "ref": "main", "cron": "0 3 * * *"})
    killable.push(tmp_path / "checkout", CONFIGURATION)
    before = seen(project)
    for _ in range(2):
        killable.kill()
        killable.start()
        assert seen(project) == before
    assert project.pipelineschedules.create({"description": "2", "ref": "main", "cron": "0 3 * * *"}).id == 2
    assert project.variables.get("HIDDEN").value is None


def test_a_runner_is_killed(tmp_path: Path) -> None:
    """A runner killed in mid-job: its job has failed for that reason, and `retry` has another runner take it up."""
    killable = Killable(folder=tmp_path / "gitlab", port=ports.kept(tmp_path / "port"), silence=2.0)
    killable.start()
    try:
        project = killable.project
        flag = tmp_path / "flag"
        job = "{script: ['echo begun; while [ ! -e %s ]; do sleep 0.1; done'], retry: {max: 1, when: %s}}"
        killable.push(
            tmp_path / "checkout",
            f"again: {job % (flag, 'stuck_or_timeout_failure')}\nfails: {job % (flag, 'script_failure')}",
        )
        token = killable.kept["settings"]["runner_token"]
        jobs = sorted(project.pipelines.get(1).jobs.list(get_all=True), key=lambda each: each.id)
        folders = [tmp_path / "killed" / each.name for each in jobs]
        runners = [_started([RUNNER, str(folder), killable.url, token]) for folder in folders]
        for each in jobs:
            says(project, each.id, b"\nbegun")
        for runner in runners:
            _end(runner)
        lost = [until(project, each.id, "failed") for each in jobs]
        assert {each.failure_reason for each in lost} == {"stuck_or_timeout_failure"}
        assert _left(folders[1])
        with Runner(folders[1], url=killable.url, token=token, executor=lambda _: Shell()):
            assert not _left(folders[1])  # it ends what the one before it left
            (newest,) = (each for each in project.pipelines.get(1).jobs.list(get_all=True) if each.name == "again")
            assert newest.id != jobs[0].id
            flag.touch()
            until(project, newest.id, "success")
        assert project.pipelines.get(1).status == "failed"
    finally:
        killable.kill()
