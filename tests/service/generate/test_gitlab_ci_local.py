"""gitlab-ci-local, a runner nobody here wrote, sees the same jobs in the generated pipelines as `mcci simulate`.

It is asked only what it gets right: which jobs' rules hold. It ignores `workflow:rules`, so each event here is one that
makes a pipeline; and it reads one file at a time, so parent and child are asked about apart.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PEER = Path(sys.executable).parent / "gitlab-ci-local"
SHA = "3f1c0d5e7a9b2c4d6e8f0a1b3c5d7e9f1a2b4c6d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event: as `mcci simulate` takes it, and the variables it means in the parent and in the child pipeline."""

    arguments: tuple[str, ...]
    branch: str
    parent: dict[str, str]
    child: str
    child_variables: dict[str, str]
    changed: str = ""


MERGE_REQUEST = {"CI_MERGE_REQUEST_ID": "1", "CI_MERGE_REQUEST_IID": "1"}
EVENTS = {
    "merge request into development": Event(
        arguments=("merge-request", "--source", "feature", "--target", "development", "--changes", "webapp/page.html"),
        branch="development",
        parent={**MERGE_REQUEST, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "development"},
        child="develop-gitlab-ci.yml",
        child_variables=MERGE_REQUEST,
        changed="webapp/page.html",
    ),
    "push to development": Event(
        arguments=("push", "--branch", "development"),
        branch="development",
        parent={"CI_COMMIT_BRANCH": "development", "CI_PIPELINE_SOURCE": "push"},
        child="develop-gitlab-ci.yml",
        child_variables={"CI_COMMIT_BRANCH": "development"},
    ),
    "merge request into deployment": Event(
        arguments=("merge-request", "--source", "charts", "--target", "deployment", "--changes", "charts/values.yaml"),
        branch="deployment",
        parent={**MERGE_REQUEST, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "deployment"},
        child="deploy-gitlab-ci.yml",
        child_variables=MERGE_REQUEST,
        changed="charts/values.yaml",
    ),
    "triggered deployment": Event(
        arguments=("pipeline", "--branch", "deployment", "--input", f"release={SHA}"),
        branch="deployment",
        parent={"CI_COMMIT_BRANCH": "deployment", "CI_PIPELINE_SOURCE": "pipeline"},
        child="deploy-gitlab-ci.yml",
        child_variables={"CI_COMMIT_BRANCH": "deployment"},
    ),
    "push to master": Event(
        arguments=("push", "--branch", "master"),
        branch="master",
        parent={"CI_COMMIT_BRANCH": "master", "CI_PIPELINE_SOURCE": "push"},
        child="",
        child_variables={},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _peer() -> None:
    if not PEER.exists():
        pytest.skip("gitlab-ci-local is not installed; `make setup` installs it")


@pytest.fixture(scope="module", name="branches")
def _branches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("branches")
    config = ROOT / "sample-app" / "mcci.yml"
    mcci("generate", "--config", str(config), "--all", "--output", str(folder))
    return folder


def mcci(*arguments: str) -> str:
    """Return what the command prints."""
    done = subprocess.run([sys.executable, "-m", "mcci", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def git(folder: Path, *arguments: str) -> None:
    """Run git with a name, whatever the machine's settings."""
    name = ["-c", "user.name=test", "-c", "user.email=test@mcci.example", "-c", "init.defaultBranch=master"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


def checkout(files: Path, event: Event, folder: Path) -> Path:
    """Return a clone of `event.branch`, with a commit on top that changes the event's file."""
    work = folder / "work"
    shutil.copytree(files / event.branch, work)
    git(folder, "init", "-q", "--bare", "origin.git")
    for part in (("init", "-q"), ("checkout", "-q", "-b", event.branch), ("add", "-A"), ("commit", "-q", "-m", "one")):
        git(work, *part)
    git(work, "remote", "add", "origin", "../origin.git")
    git(work, "push", "-q", "origin", event.branch)
    git(work, "remote", "set-head", "origin", event.branch)
    if event.changed:
        git(work, "checkout", "-q", "-b", "feature")
        (work / event.changed).parent.mkdir(parents=True, exist_ok=True)
        (work / event.changed).write_text("changed\n")
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "two")
    git(work, "remote", "set-url", "origin", "https://gitlab.example/group/project.git")
    return work


def peer_jobs(work: Path, file: str, variables: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the jobs that gitlab-ci-local lists for `file`: name → its stage, when and needs."""
    options = [part for name, value in variables.items() for part in ("--variable", f"{name}={value}")]
    done = subprocess.run(
        [str(PEER), "--list-csv", "--file", file, *options],
        cwd=work, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1", "HOME": str(work.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    rows = done.stdout[done.stdout.index("name;stage") :]
    return {row["name"]: row for row in csv.DictReader(io.StringIO(rows), delimiter=";")}


def our_jobs(pipeline: dict[str, Any]) -> dict[str, tuple[str, str, list[str]]]:
    """Return a simulated pipeline's jobs: name → stage, when and needs."""
    return {job["name"]: (job["stage"], job["when"], sorted(job["needs"] or [])) for job in pipeline["jobs"]}


def theirs(rows: dict[str, dict[str, str]]) -> dict[str, tuple[str, str, list[str]]]:
    """Return the peer's listing in the same shape."""
    return {
        name: (row["stage"], row["when"], sorted(filter(None, row["needs"].strip("[]").split(","))))
        for name, row in rows.items()
    }


@pytest.mark.parametrize("name", EVENTS)
def test_same_jobs(name: str, branches: Path, tmp_path: Path) -> None:
    """For each event both list the same jobs, with the same stage, `when` and needs, in the parent and the child."""
    event = EVENTS[name]
    simulated = json.loads(mcci("simulate", *event.arguments, "--branches", str(branches), "--format", "json"))
    work = checkout(branches, event, tmp_path)
    parent = simulated["pipeline"]
    assert our_jobs(parent) == theirs(peer_jobs(work, ".gitlab-ci.yml", event.parent))
    children = [job["child"] for job in parent["jobs"] if job.get("child")]
    assert len(children) == (1 if event.child else 0)
    for child in children:
        assert our_jobs(child) == theirs(peer_jobs(work, event.child, event.child_variables))
