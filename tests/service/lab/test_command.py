"""`mcci lab`: what it prints, what it refuses, and that what was deployed outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mcci.clients import background

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.lab.conftest import Lab

CONFIG = """\
version: 1
application: shop
services:
  cart: {}
clusters:
  west: {cloud: aws}
  east: {cloud: azure, kubeconfig: EAST_FILE}
environments:
  stage: {clusters: [west]}
  production: {waves: [[east]]}
"""


def test_life(lab: Lab) -> None:
    """Up prints the variables, twice is once, another lab is refused; what was deployed outlives down, not --delete."""
    begin = time.monotonic()
    told = lab.up("stage-aws", "prod-aws", "--pods", "fake")
    assert time.monotonic() - begin < 20  # the benchmark holds it to 2 s a cluster; a busy machine may be slower
    assert [each["name"] for each in told["clusters"]] == ["stage-aws", "prod-aws"]
    exports = lab.mcci("up", "stage-aws", "prod-aws", "--pods", "fake", "--format", "env").stdout.splitlines()
    folder = lab.folder / "state/clusters"
    assert exports[:2] == [
        f"export KUBECONFIG_STAGE_AWS={folder}/stage-aws/kubeconfig",
        f"export KUBECONFIG_PROD_AWS={folder}/prod-aws/kubeconfig",
    ]
    assert all((folder / name / "kubeconfig").stat().st_mode & 0o077 == 0 for name in ("stage-aws", "prod-aws"))
    refused = lab.mcci("up", "prod-azure", code=2)
    assert "mcci lab down" in refused.stderr
    lab.run("prod-aws", "kubectl", "create", "configmap", "kept", "--from-literal", "a=b")
    pid = lab.state["pid"]
    lab.mcci("down")
    assert background.began(pid) == ""
    assert lab.mcci("status", code=1).stdout == ""
    again = lab.up("stage-aws", "prod-aws", "--pods", "fake")
    assert again["clusters"] == told["clusters"]
    assert "kept" in lab.run("prod-aws", "kubectl", "get", "configmaps")
    lab.mcci("down", "--delete")
    assert not (lab.folder / "state").exists()


def test_configured(lab: Lab) -> None:
    """The clusters are those of mcci.yml, each with the variable that it names."""
    (lab.folder / "mcci.yml").write_text(CONFIG)
    told = lab.up("--pods", "fake")
    assert {each["name"]: each["variable"] for each in told["clusters"]} == {
        "west": "KUBECONFIG_WEST",
        "east": "EAST_FILE",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "nowhere"], "there is no cluster 'nowhere'; there are stage-aws, prod-aws, prod-azure"),
        (["up", "--config", "none.yml"], "none.yml"),
        (["up", "--pods", "some"], "'some' is not one of"),
    ],
)
def test_refused(lab: Lab, arguments: list[str], message: str) -> None:
    """What cannot be started is refused with the reason, and nothing runs."""
    assert message in lab.mcci(*arguments, code=2).stderr
    assert not (lab.folder / "state/lab.json").exists()


def test_does_not_start(lab: Lab) -> None:
    """A lab that cannot start says why, from its log, and leaves nothing."""
    folder = lab.folder / "state/clusters/prod-aws"
    folder.mkdir(parents=True)
    (folder / "objects.sqlite").write_text("this is no database")
    failed = lab.mcci("up", "prod-aws", "--pods", "fake", code=3)
    assert "the lab did not start" in failed.stderr
    assert "database" in failed.stderr
    assert lab.mcci("status", code=1).stdout == ""


def test_one_supervisor(lab: Lab, tmp_path: Path) -> None:
    """A second supervisor in the same folder does not start; the first is not disturbed."""
    lab.up("prod-aws", "--pods", "fake")
    second = subprocess.run(
        [sys.executable, "-m", "mcci.lab.supervisor", str(lab.folder / "state")], env=lab.environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert second.returncode == 1
    assert "another supervisor" in second.stderr
    assert json.loads(lab.mcci("status", "--format", "json").stdout)["up"] is True


def test_interrupted(lab: Lab) -> None:
    """SIGINT ends a supervisor as `down` does: no process, no state file."""
    lab.up("prod-aws", "--pods", "fake")
    pid = lab.state["pid"]
    os.kill(pid, signal.SIGINT)
    end = time.monotonic() + 30
    while (lab.folder / "state/lab.json").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "is not up" in lab.mcci("status", code=1).stderr
