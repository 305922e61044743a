"""`mcci rehearse`: the generated pipelines of a project played by a scenario, and scenarios that do not come true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = """
version: 1
application: demo
registry: {namespace: demo, host: registry.example.com}
runner: {retry: 0}
services: {svc: {stack: dockerfile}}
environments:
  stage: {clusters: [st]}
  production: {clusters: [pr]}
clusters: {st: {cloud: aws}, pr: {cloud: aws}}
"""
TRUE = """
title: A developer pushes
steps:
  - push: {branch: development, message: a change, write: {svc/a.txt: x}}
  - name: the build finds no engine
    wait: {branch: development, for: failed, seconds: 100}
  - expect: {branch: development, jobs: {build svc: failed, push svc: skipped}, exit_code: {build svc: CODE}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with one service, and a folder for scenarios."""
    folder = tmp_path / "project"
    (folder / "svc").mkdir(parents=True)
    (folder / "scenarios").mkdir()
    (folder / "mcci.yml").write_text(CONFIG)
    (folder / "svc" / "Dockerfile").write_text("FROM scratch\n")
    return folder


def command(project: Path, scenario: str, *options: str) -> list[str]:
    """Write a scenario, and return the command that plays it."""
    file = project / "scenarios" / "one.yml"
    file.write_text(scenario)
    return [sys.executable, "-m", "mcci", "rehearse", str(file), *options]


def environment() -> dict[str, str]:
    """Return an environment in which no engine answers."""
    return {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}


def rehearse(project: Path, scenario: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Play a scenario."""
    return subprocess.run(
        command(project, scenario, *options),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        timeout=200,
    )


def test_generated_pipelines_are_played(project: Path) -> None:
    """The branches are made by mcci sync, the pipeline runs as generated, and what is expected is compared."""
    done = rehearse(project, TRUE.replace("CODE", "3"), "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    body = json.loads(done.stdout)
    assert (body["schema"], body["passed"], len(body["steps"])) == ("mcci.rehearsal/1", True, 3)
    assert (project / "mcci.yml").read_text() == CONFIG  # the user's own files are not touched
    assert not (project / ".git").exists()
    assert "✗ build svc  " in done.stderr  # each job is told as it ends


def test_what_does_not_come_true(project: Path) -> None:
    """A step that does not go as the scenario says fails the rehearsal, with its place and the failed job's log."""
    done = rehearse(project, TRUE.replace("CODE", "0"))
    assert done.returncode == 1
    assert "one.yml:7:5" in done.stdout
    assert "build svc ended with 3, not 0" in done.stdout
    assert "--- build svc" in done.stdout


def test_bad_scenarios(project: Path, tmp_path: Path) -> None:
    """A scenario with mistakes, a project without mcci.yml or with a bad one: a clear error, and its place."""
    wrong = rehearse(project, "title: x\nsteps:\n  - wait: {branch: a, for: sucess}\n")
    assert wrong.returncode == 2
    assert "one.yml:3:28" in wrong.stderr
    assert "did you mean 'success'" in wrong.stderr
    (tmp_path / "empty" / "scenarios").mkdir(parents=True)
    assert rehearse(tmp_path / "empty", "title: x\nsteps:\n  - pause: {seconds: 1}\n").returncode == 2
    broken = rehearse(project, "title: x\nconfig: {services: {svc: {stack: cobol}}}\nsteps:\n  - pause: {seconds: 1}\n")
    assert broken.returncode == 2
    assert "cobol" in broken.stderr
    absent = rehearse(
        project,
        "title: x\nsteps:\n  - push: {branch: development, message: y, replace: {svc/Dockerfile: {nothing: z}}}\n",
    )
    assert absent.returncode == 1
    assert "no longer fits the project" in absent.stdout


def test_ctrl_c_leaves_nothing(project: Path, tmp_path: Path) -> None:
    """Interrupted, a rehearsal ends with 130; nothing of its own is left, but for the report of what there was."""
    report = tmp_path / "report.html"
    before = set(Path("/tmp").glob("mcci-rehearsal-*"))
    scenario = "title: x\nsteps:\n  - pause: {seconds: 0.1}\n  - pause: {seconds: 100}\n"
    with subprocess.Popen(
        command(project, scenario, "--report", str(report)),
        env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "✓ pause" in line:
                break
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        process.stderr.read()
        assert process.wait(30) == 130
    assert set(Path("/tmp").glob("mcci-rehearsal-*")) == before
    assert json.loads(report.with_suffix(".json").read_text())["error"] == "interrupted"
