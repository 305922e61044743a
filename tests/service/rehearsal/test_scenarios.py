"""The sample application's scenarios, each from the push to its end: engine, registry, Helm, Envoy, Prometheus, GitLab.

What must come true stands in the scenarios' own steps; here is what they do not say.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.tools.helm import helm

if TYPE_CHECKING:
    from collections.abc import Mapping

SCENARIOS = Path(__file__).parents[3] / "sample-app/scenarios"
pytestmark = pytest.mark.slow


def rehearse(scenario: Path, folder: Path) -> dict[str, Any]:
    """Play a scenario, which must pass and leave nothing running, and return its report."""
    report = folder / "rehearsal.html"
    environment = {**os.environ, "PATH": f"{helm('3').parent}{os.pathsep}{os.environ['PATH']}"}
    place = folder / "rehearsal"
    done = subprocess.run(
        [sys.executable, "-m", "mcci", "rehearse", str(scenario), "--keep", str(place),
         "--jobs", "3", "--shell", "--report", str(report)],
        capture_output=True, text=True, env=environment, check=False, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert left(place) == []
    found: dict[str, Any] = json.loads(report.with_suffix(".json").read_text())
    assert found["passed"]
    assert report.stat().st_size > 20_000
    return found


def left(folder: Path) -> list[str]:
    """Return the command lines of processes that know the rehearsal's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def requests(report: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many requests were sent in all, and how many of them failed."""
    counts = re.findall(r"(\d+) of (\d+) failed", " ".join(each["said"] for each in report["steps"]))
    failed, sent = counts[-1]
    return int(sent), int(failed)


def test_happy_path(tmp_path: Path) -> None:
    """v2 takes over from v1 across two clouds under 100 requests a second, of which not one fails."""
    report = rehearse(SCENARIOS / "happy-path.yml", tmp_path)
    sent, failed = requests(report)
    assert (sent > 3000, failed) == (True, 0)
    assert len(report["releases"]) == 2
    images = [{each["service"]: each["digest"] for each in release["images"]} for release in report["releases"]]
    assert {name for name in images[0] if images[0][name] != images[1][name]} == {"staff-service"}
    (canary,) = report["canaries"]
    assert [move["step"] for move in canary["moves"] if move["action"] == "step"] == [10, 25, 50, 100]
    assert all(each["newest"] == "success" for each in report["environments"])


def test_faulty_v3(tmp_path: Path) -> None:
    """A version that fails is caught by the canary, which takes the traffic back; few requests have seen it."""
    report = rehearse(SCENARIOS / "faulty-v3.yml", tmp_path)
    sent, failed = requests(report)
    assert 0 < failed < sent / 50
    (canary,) = report["canaries"]
    assert canary["moves"][-1]["verdict"] == "fail"


@pytest.mark.faults
def test_the_whole_application(tmp_path: Path) -> None:
    """The same with all six services."""
    text = (SCENARIOS / "happy-path.yml").read_text()
    whole, count = re.subn(r"^services: .*\n", f"project: {SCENARIOS.parent}\n", text, flags=re.MULTILINE)
    assert count == 1
    scenario = tmp_path / "whole.yml"
    scenario.write_text(whole)
    report = rehearse(scenario, tmp_path)
    assert len(report["releases"][1]["images"]) == 6
    assert requests(report)[1] == 0


@pytest.mark.faults
@pytest.mark.parametrize("name", ["failed-stage-deploy", "cloud-lost", "runner-killed", "two-merges"])
def test_faults(name: str, tmp_path: Path) -> None:
    """What goes wrong between push and production ends as the scenario says."""
    rehearse(SCENARIOS / f"{name}.yml", tmp_path)


def test_every_scenario_is_played() -> None:
    """No scenario of the sample application is without a test."""
    played = {"happy-path", "faulty-v3", "failed-stage-deploy", "cloud-lost", "runner-killed", "two-merges"}
    assert {file.stem for file in SCENARIOS.glob("*.yml")} == played
