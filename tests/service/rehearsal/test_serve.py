"""`mcci rehearse --serve`: the link it prints, what can be pressed, and that Ctrl-C ends it in order."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from mcci.rehearsal.page.door import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {
    "mcci.yml": """
version: 1
application: small
layout: trunk
branches: {default: main}
services: {api: {}}
include: [.gitlab/own.yml]
""",
    ".gitlab/own.yml": """
own: {stage: pipeline, script: [echo hello from the job]}
press:
  stage: pipeline
  needs: [own]
  script: [echo pressed by $GITLAB_USER_LOGIN]
  when: manual
  manual_confirmation: Sure?
""",
    "api/Dockerfile": "FROM scratch\n",
    "scenarios/small.yml": """
title: A small rehearsal
seconds: 90
steps:
  - push: {branch: main, message: go}
  - wait: {branch: main, job: own, for: success, seconds: 60}
""",
}
SECONDS = 60.0


class Rehearsal:
    """The command, and what it has said."""

    def __init__(self, project: Path, *arguments: str) -> None:
        own = ("CI_", "GITLAB_", "MCCI_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mcci", "rehearse", str(project / "scenarios" / "small.yml"), *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(iter(self.process.stderr.readline, ""))

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it says this."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, "".join(self.said)):
                return found
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(SECONDS)
        self._reader.join()
        return code


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    """Serve a small rehearsal."""
    for name, text in FILES.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    found = Rehearsal(tmp_path / "project", "--serve", "--report", str(tmp_path / "rehearsal.html"))
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    for stream in (found.process.stdout, found.process.stderr):
        assert stream is not None
        stream.close()


def test_served_until_interrupted(rehearsal: Rehearsal, tmp_path: Path) -> None:
    """The page stays when the scenario is over; a job started on it runs; Ctrl-C writes the report, leaves nothing."""
    link = rehearsal.wait_for(r"the page is at (\S+)")[1]
    rehearsal.wait_for("the page stays until Ctrl-C")
    with httpx.Client(base_url=link.partition("/-/")[0], timeout=20) as client:
        assert client.get(link).status_code == 303
        jobs = {each["name"]: each for each in _stages(client)}
        assert (jobs["press"]["status"], jobs["press"]["confirmation"]) == ("manual", "Sure?")
        press = f"/-/page/jobs/{jobs['press']['id']}"
        assert client.post(f"{press}/play", headers={HEADER: "1"}).status_code == 200
        end = time.monotonic() + SECONDS
        while "pressed by maintainer" not in (said := client.get(f"{press}/log").text):
            assert time.monotonic() < end, said
            time.sleep(0.1)
    assert rehearsal.interrupt() == 0, "".join(rehearsal.said)
    assert "Traceback" not in "".join(rehearsal.said)
    report = json.loads((tmp_path / "rehearsal.json").read_text())
    assert (report["passed"], [each["action"] for each in report["steps"]]) == (True, ["push", "wait"])
    ran = {job["name"]: job for family in report["families"] for each in family["pipelines"] for job in each["jobs"]}
    assert (ran["press"]["status"], ran["press"]["by"]) == ("success", "Maya Maintainer")
    assert "<h1>A small rehearsal</h1>" in (tmp_path / "rehearsal.html").read_text()
    assert _of_session(rehearsal.process.pid) == []


def _stages(client: httpx.Client) -> Iterator[dict[str, object]]:
    """Yield the jobs of the first state that the page gets."""
    with client.stream("GET", "/-/page/events") as events:
        line = next(each for each in events.iter_lines() if each.startswith("data: {"))
    for pipeline in json.loads(line.removeprefix("data: "))["pipelines"]:
        for stage in pipeline["stages"]:
            yield from stage["jobs"]


def _of_session(session: int) -> list[str]:
    """Return the processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(path.parent.name)
    return found
