"""`mcci deploy` and `mcci canary` one after the other, as the pipeline's jobs are: a version's whole life."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcci.canary import state_json
from mcci.canary.state import Action, Phase, State
from mcci.clients.kubernetes.api import CONFIG_MAP
from tests.charts.conftest import require
from tests.service.deploy.project import Project
from tests.tools.helm import Major
from tests.tools.lab import lab_clusters

V1, V2, V3 = (f"v{digit * 10}" for digit in "123")


@pytest.fixture(params=["4", pytest.param("3", marks=pytest.mark.faults)])
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """Two clusters with one control plane, where v1 of `web` is stable and v2 beside it, by real deployments."""
    major: Major = require(request.param)
    with lab_clusters(["stage", "one", "two"]) as clusters:
        found = Project(tmp_path, clusters, "fleet", major)
        config = tmp_path / "mcci.yml"
        config.write_text(config.read_text() + "canary: {steps: [10, 100], bake: 0s, rollback_window: 5s}\n")
        try:
            for digit in "12":
                found.release(digit)
                done = found.deploy(environment="production", timeout=120)
                assert done.code == 0, done.err
            yield found
        finally:
            found.close()


def state(found: Project) -> State:
    """The canary's state in the leading cluster."""
    held = found.api("one").get(CONFIG_MAP, "mcci-canary-web", "fleet")
    assert held
    return state_json.read(held)


def canary(found: Project, *arguments: str) -> str:
    """Run `mcci canary`, which must end well."""
    done = found.run("canary", *arguments)
    assert done.code == 0, done.err
    return done.out


def test_a_versions_life(deployed: Project) -> None:
    """Deployed, stepped, deployed again in the middle, promoted; the next deployment retires what is out of time."""
    assert state(deployed).replicas > 0
    canary(deployed, "step", "web", "--to", "10")
    again = deployed.deploy("--set", "microservice.labels.team=blue", environment="production", timeout=120)
    assert again.code == 0, again.err
    assert deployed.weights("one") == {V1: 90, V2: 10}
    canary(deployed, "step", "web", "--to", "100")
    canary(deployed, "promote", "web")
    held = state(deployed)
    assert (held.stable, held.previous, held.phase) == (V2, V1, Phase.STABLE)
    assert held.keep_until is not None
    time.sleep(max(0.0, held.keep_until.timestamp() - time.time()))  # as long as the old version is kept
    deployed.release("3")
    done = deployed.deploy(environment="production", timeout=120)
    assert done.code == 0, done.err
    assert deployed.weights("one") == {V2: 100, V3: 0}
    assert f"web-{V1}" not in deployed.images("one")
    canary(deployed, "step", "web", "--to", "10")
    assert deployed.weights("one") == {V2: 90, V3: 10}
    canary(deployed, "abort", "web")
    shown = json.loads(canary(deployed, "status", "web", "--format", "json"))
    assert (shown["phase"], shown["problems"]) == ("aborted", [])
    assert [entry.action for entry in state(deployed).history][-3:] == [Action.BEGIN, Action.STEP, Action.ABORT]
