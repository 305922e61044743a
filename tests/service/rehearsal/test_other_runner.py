"""A runner that nobody here wrote, gitlab-python-runner, takes its jobs from the local GitLab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gitlab
import pytest

from mcci.simulation.events import ProjectVariable
from mcci.simulation.status.model import Status
from tests.service.rehearsal.conftest import MAINTAINER

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.rehearsal.gitlab.site import Site

PROGRAM = Path(sys.prefix, "gitlab-python-runner", "bin", "gitlab-runner.py")
CONFIGURATION = """
stages: [build, test]
build:
  stage: build
  script: [echo "from $CI_COMMIT_BRANCH", mkdir out, echo built > out/file, test "$(cat $CONFIG)" = "in a file"]
  artifacts: {paths: [out]}
test:
  stage: test
  script: [test "$(cat out/file)" = built, echo "as $GITLAB_USER_LOGIN"]
fails:
  stage: test
  script: [exit 3]
"""


@pytest.fixture
def take(site: Site, tmp_path: Path) -> Callable[[], None]:
    """Return what registers the runner, and then has it play one job a call."""
    if not PROGRAM.exists():
        reason = "gitlab-python-runner is not installed: run `.ci/setup tests`"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path / "runner"
    folder.mkdir()

    def run(*arguments: str) -> None:
        own = ("CI_", "GITLAB_", "MCCI_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        # the runner's own Python, whose `ast` deprecations are none of ours
        environment["PYTHONWARNINGS"] = "ignore"
        done = subprocess.run(
            [str(PROGRAM), *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stdout + done.stderr

    run("--register", site.url, "--regtoken", site.settings.runner_token, "--desc", "other")
    return lambda: run("--start", "gitlab-runner.yml", "--once")


def test_it_plays_a_pipeline(site: Site, pushed: Any, take: Callable[[], None]) -> None:
    """It registers, gets scripts, variables and artifacts, sends logs and archives, and says how each job ended."""
    site.settings.variables.append(ProjectVariable(key="CONFIG", value="in a file", file=True))
    site.settings.variables.append(ProjectVariable(key="GITLAB_PYTHON_RUNNER_COMPUTED", value="1"))  # by the payload
    pushed({".gitlab-ci.yml": CONFIGURATION})
    (pipeline,) = site.gitlab.pipelines.values()
    for _ in pipeline.builds:
        take()
    found = {name: (each.status, each.trace.read().decode()) for name, each in pipeline.builds.items()}
    assert {name: status for name, (status, _) in found.items()} == {
        "build": Status.SUCCESS, "test": Status.SUCCESS, "fails": Status.FAILED,
    }, "\n".join(log for _, log in found.values())  # fmt: skip
    assert "from main" in found["build"][1]
    assert "as ada" in found["test"][1]
    assert pipeline.builds["fails"].failure_reason == "script_failure"
    project = gitlab.Gitlab(site.url, private_token=MAINTAINER.token).projects.get("vehicles/app")
    assert project.jobs.get(pipeline.builds["build"].id).artifact("out/file") == b"built\n"
