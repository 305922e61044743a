"""`mcci trigger` against a small GitLab on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.service.trigger import stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.service
COMMIT = "c0ffee" + "0" * 34
CONFIG = """\
version: 1
application: shop
gitlab: {GITLAB}
services: {cart: {}}
clusters: {one: {cloud: aws}, two: {cloud: aws}}
environments: {stage: {clusters: [one]}, production: {clusters: [two]}}
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the development branch."""

    folder: Path
    gitlab: stub.GitLab

    def trigger(
        self, *arguments: str, settings: str = "version: '18.2'", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `mcci trigger` with `gitlab: {settings}`."""
        (self.folder / "mcci.yml").write_text(CONFIG.replace("{GITLAB}", f"{{{settings}}}"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "GITLAB"))}
        variables = {
            "CI_SERVER_URL": self.gitlab.url, "CI_PROJECT_PATH": "group/shop", "CI_COMMIT_SHA": COMMIT,
            "CI_JOB_TOKEN": stub.JOB_TOKEN,
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "mcci", "trigger", *arguments],
            cwd=self.folder, env={**kept, **variables, **environment}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with stub.running() as gitlab:
        yield Job(tmp_path, gitlab)


def test_started(job: Job) -> None:
    """One request starts the pipeline with the release as an input; its URL is all that is printed."""
    done = job.trigger()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{job.gitlab.url}/group/shop/-/pipelines/7\n"
    assert job.gitlab.requests == ["POST /trigger/pipeline"]
    assert job.gitlab.started == [{"ref": "deployment", "token": stub.JOB_TOKEN, "inputs": {"release": COMMIT}}]


@pytest.mark.parametrize("settings", ["version: '17.10'", "inputs: false"])
def test_by_variable(job: Job, settings: str) -> None:
    """Where GitLab is old or inputs are off, the release is a variable, and no input is sent."""
    assert job.trigger(settings=settings).returncode == 0
    assert job.gitlab.started == [{"ref": "deployment", "token": stub.JOB_TOKEN, "variables": {"MCCI_RELEASE": COMMIT}}]


def test_trigger_token(job: Job) -> None:
    """A trigger token comes from the variable that mcci.yml names."""
    done = job.trigger(settings="trigger: trigger-token, trigger_token: BOT", BOT=stub.TRIGGER_TOKEN)
    assert done.returncode == 0, done.stderr
    assert job.gitlab.started[0]["token"] == stub.TRIGGER_TOKEN
    missing = job.trigger(settings="trigger: trigger-token, trigger_token: BOT")
    assert missing.returncode == 2
    assert "BOT is not set" in missing.stderr


def test_dry_run(job: Job) -> None:
    """A dry run asks GitLab for nothing."""
    assert job.trigger("--dry-run").returncode == 0
    assert job.gitlab.requests == []


REFUSALS = {
    "You do not have sufficient permission to run a pipeline on 'deployment'.": [
        "allow them to merge or push to deployment", "a bot's trigger token",
    ],
    "Insufficient permissions to set pipeline variables": ["`gitlab: {inputs: true}`", "Minimum role"],
    "Reference not found": ["`mcci sync --push`"],
    "Given inputs not defined in the `spec` section: release": ["`mcci sync`"],
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused(job: Job, reason: str) -> None:
    """Every refusal is passed on in GitLab's words, with what to do about it, and no token."""
    job.gitlab.answers = [(400, {"message": {"base": [reason]}})]
    done = job.trigger()
    assert done.returncode == 2
    assert reason in done.stderr
    assert all(words in done.stderr for words in REFUSALS[reason])
    assert stub.JOB_TOKEN not in done.stderr + done.stdout
    assert len(job.gitlab.requests) == 1


def test_failed(job: Job) -> None:
    """When GitLab fails, nothing is sent twice: the pipeline may have been started."""
    job.gitlab.answers = [(500, {"message": "500 Internal Server Error"})]
    done = job.trigger()
    assert done.returncode == 3
    assert len(job.gitlab.requests) == 1


def test_rate_limited(job: Job) -> None:
    """A 429 started nothing: the request is sent again when GitLab says."""
    job.gitlab.answers = [(429, {"message": "429 Too Many Requests"})]
    assert job.trigger().returncode == 0
    assert len(job.gitlab.started) == 1


def test_no_gitlab(job: Job) -> None:
    """A GitLab that cannot be reached is a service that failed."""
    done = job.trigger(CI_SERVER_URL="http://127.0.0.1:9")
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr


@pytest.mark.parametrize(
    ("statuses", "code", "verdict"),
    [
        (["running", "success"], 0, "finished well"),
        (["created", "manual"], 0, "waiting for a person"),
        (["failed"], 1, "failed"),
        (["canceled"], 1, "failed"),
    ],
)
def test_waited(job: Job, statuses: list[str], code: int, verdict: str) -> None:
    """--wait looks until the automatic stages are done, one request a look."""
    job.gitlab.statuses = list(statuses)
    done = job.trigger("--wait", "--format", "json", GITLAB_TOKEN=stub.ACCESS_TOKEN)
    assert done.returncode == code, done.stderr
    assert json.loads(done.stdout)["verdict"] == verdict
    assert job.gitlab.requests == ["POST /trigger/pipeline", *["GET /pipelines/7"] * len(statuses)]


def test_waited_for_child(job: Job) -> None:
    """Before GitLab 18.2 the parent shows `running` while its child waits for a person: the child is asked."""
    job.gitlab.statuses, job.gitlab.children = ["running"], ["running", "manual"]
    done = job.trigger("--wait", settings="version: '17.11'", GITLAB_TOKEN=stub.ACCESS_TOKEN)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "running: waiting for a person")


def test_waited_in_vain(job: Job) -> None:
    """At the deadline the waiting ends with 1, and says that the pipeline goes on."""
    job.gitlab.statuses = ["running"]
    done = job.trigger("--wait", "--timeout", "1", GITLAB_TOKEN=stub.ACCESS_TOKEN)
    assert done.returncode == 1
    assert "It goes on" in done.stderr


def test_wait_needs_a_token(job: Job) -> None:
    """Without an access token --wait starts nothing: the job's token could not read the pipeline."""
    done = job.trigger("--wait")
    assert done.returncode == 2
    assert "`read_api`" in done.stderr
    assert job.gitlab.requests == []


def test_merge_request(job: Job) -> None:
    """A merge request's pipeline delivers nothing."""
    assert job.trigger(CI_MERGE_REQUEST_ID="1").returncode == 2
    assert job.gitlab.requests == []
