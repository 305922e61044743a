"""`mcci simulate` and gitlab-ci-local, a runner nobody here wrote, list the same jobs where GitLab's pages do.

Where they differ a page of GitLab's documentation decides, and the difference stands in `DISAGREEMENTS`: the test fails
when the peer no longer differs, too. docs/explanation/gitlab-ci-local.md shows the same table.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service.simulation.peer_cases import CASES, Case

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "explanation" / "gitlab-ci-local.md"
PEER = Path(sys.executable).parent / "gitlab-ci-local"
GITLAB = "https://docs.gitlab.com/ci/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """What the two say of some jobs of a case: (mcci's line, gitlab-ci-local's), None for a job that is not listed.

    `page` is the page of GitLab's documentation that decides for what `gitlab` says.
    """

    case: str
    gitlab: str
    peer: str
    page: str
    jobs: dict[str, tuple[str | None, str | None]]


DISAGREEMENTS = (
    Disagreement(
        case="workflow: never",
        gitlab="a matching `workflow:rules` with `when: never` means that there is no pipeline",
        peer="lists the jobs all the same",
        page="yaml/#workflowrules",
        jobs={"unwanted": (None, "a on_success false")},
    ),
    Disagreement(
        case="changes and exists",
        gitlab="a job without `rules`, and one with `only: [branches]`, is not in a merge-request pipeline",
        peer="lists it in every pipeline",
        page="yaml/deprecated_keywords/#only--except",
        jobs={"no-rules": (None, "a on_success false"), "only-default": (None, "a on_success false")},
    ),
    Disagreement(
        case="when and allow_failure",
        gitlab="`only` and `except` leave jobs out",
        peer="does not read them",
        page="yaml/deprecated_keywords/#only--except",
        jobs={"only-tags": (None, "b on_success false"), "except-main": (None, "b on_success false")},
    ),
    Disagreement(
        case="when and allow_failure",
        gitlab="`allow_failure` of a job with `when: manual` outside of `rules` is true when it is not said",
        peer="has false",
        page="yaml/#allow_failure",
        jobs={"manual": ("b manual true", "b manual false")},
    ),
    Disagreement(
        case="include",
        gitlab="the same for a job whose `when: manual` comes from another file or from an input",
        peer="has false",
        page="yaml/#allow_failure",
        jobs={
            "merged": ("b manual true", "b manual false"),
            "second": ("b manual true", "b manual false"),
        },
    ),
    Disagreement(
        case="parallel and needs",
        gitlab="the jobs of `parallel: 2` are named `count 1/2` and `count 2/2`",
        peer="names them `count: [1/2]` and `count: [2/2]`",
        page="yaml/#parallel",
        jobs={
            "count 1/2": ("a on_success false", None),
            "count 2/2": ("a on_success false", None),
            "count: [1/2]": (None, "a on_success false"),
            "count: [2/2]": (None, "a on_success false"),
        },
    ),
    Disagreement(
        case="parallel and needs",
        gitlab="the jobs of a matrix have their values apart: `build: [linux, arm]`",
        peer="names it `build: [linux,arm]`",
        page="yaml/#parallelmatrix",
        jobs={
            "build: [linux, arm]": ("a on_success false", None),
            "build: [mac, arm]": ("a on_success false", None),
            "build: [linux,arm]": (None, "a on_success false"),
            "build: [mac,arm]": (None, "a on_success false"),
        },
    ),
    Disagreement(
        case="parallel and needs",
        gitlab="who needs a job with `parallel` waits for all its jobs, or for those that the need's matrix names",
        peer="lists the need as it is written",
        page="yaml/#needsparallelmatrix",
        jobs={
            "all": (
                "b on_success false needs build: [linux, arm], build: [mac, arm], build: [bsd]",
                "b on_success false needs build",
            ),
            "some": ("b on_success false needs build: [linux, arm]", "b on_success false needs build"),
            "counted": ("b on_success false needs count 1/2, count 2/2", "b on_success false needs count"),
        },
    ),
    Disagreement(
        case="parallel and needs",
        gitlab="an optional need of a job that is not in the pipeline is none",
        peer="lists it",
        page="yaml/#needsoptional",
        jobs={"absent": ("b on_success false needs nothing", "b on_success false needs gone")},
    ),
)


@pytest.mark.skipif(not PEER.exists(), reason="gitlab-ci-local is not installed; `make setup` installs it")
@pytest.mark.parametrize("name", CASES)
def test_same_jobs(name: str, tmp_path: Path) -> None:
    """Both list the same jobs with the same stage, `when`, `allow_failure` and needs, but for what the table has."""
    work = checkout(CASES[name], tmp_path)
    ours, theirs = our_jobs(CASES[name], work), peer_jobs(CASES[name], work)
    differences = {
        job: (ours.get(job), theirs.get(job)) for job in {**ours, **theirs} if ours.get(job) != theirs.get(job)
    }
    known = [each.jobs for each in DISAGREEMENTS if each.case == name]
    assert differences == {job: lines for jobs in known for job, lines in jobs.items()}
    assert len(theirs) > len(differences) / 2 or name == "workflow: never", "the case compares something"


def test_the_page_has_the_table() -> None:
    """The page of the documentation lists the disagreements of this file, and no others."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    expected = [
        f"| {each.case} | {each.gitlab} | {each.peer} | [{each.page.rstrip('/')}]({GITLAB}{each.page}) |"
        for each in DISAGREEMENTS
    ]
    assert rows[1:] == expected


def git(folder: Path, *arguments: str) -> None:
    """Run git with a name, whatever the machine's settings."""
    name = ["-c", "user.name=test", "-c", "user.email=test@mcci.example", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


def checkout(case: Case, folder: Path) -> Path:
    """Return a clone of a repository with the case's files on `main`, its change on a branch that is checked out."""
    work = folder / "work"
    for name, text in case.files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)
    git(folder, "init", "-q", "--bare", "origin.git")
    for part in (("init", "-q"), ("checkout", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "one")):
        git(work, *part)
    git(work, "remote", "add", "origin", "../origin.git")
    git(work, "push", "-q", "origin", "main")
    git(work, "remote", "set-head", "origin", "main")
    if case.changed:
        git(work, "checkout", "-q", "-b", "feature")
        (work / case.changed).parent.mkdir(parents=True, exist_ok=True)
        (work / case.changed).write_text("changed\n")
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "two")
    git(work, "remote", "set-url", "origin", "https://gitlab.example/group/project.git")
    return work


def our_jobs(case: Case, work: Path) -> dict[str, str]:
    """Return the jobs that `mcci simulate` lists: name → its line."""
    command = [sys.executable, "-m", "mcci", "simulate", *case.event, *options(case.variables), "--format", "json"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {
        job["name"]: line(
            job["stage"],
            job["when"],
            str(job["allow_failure_exit_codes"] or job["allow_failure"]).lower(),
            job["needs"],
        )
        for job in json.loads(done.stdout)["pipeline"]["jobs"]
    }


def peer_jobs(case: Case, work: Path) -> dict[str, str]:
    """Return the jobs that gitlab-ci-local lists: name → its line."""
    command = [str(PEER), "--list-csv", *options({**case.meaning, **case.variables})]
    environment = {**os.environ, "NO_COLOR": "1", "HOME": str(work.parent)}
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr + done.stdout
    rows = csv.DictReader(io.StringIO(done.stdout[done.stdout.index("name;stage") :]), delimiter=";")
    return {
        row["name"]: line(
            row["stage"],
            row["when"],
            row["allowFailure"],
            [need for need in row["needs"][1:-1].split(",") if need] if row["needs"] else None,
        )
        for row in rows
    }


def options(variables: dict[str, str]) -> list[str]:
    """Return the options that give both programs these variables."""
    return [part for name, value in variables.items() for part in ("--variable", f"{name}={value}")]


def line(stage: str, when: str, allow_failure: str, needs: list[str] | None) -> str:
    """Return a job on one line; a job that waits for the stages before its own has no needs."""
    waits = "" if needs is None else f" needs {', '.join(needs) or 'nothing'}"
    return f"{stage} {when} {allow_failure}{waits}"
