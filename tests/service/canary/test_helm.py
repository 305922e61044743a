"""Helm and the canary beside each other, on Helm 3.19 and 4.3: whatever is upgraded, the weights are the canary's."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcci.canary.actions.step import step
from mcci.canary.clusters.move import Restored
from mcci.canary.state import Phase
from mcci.clients.kubernetes.api import VIRTUAL_SERVICE
from tests.charts.conftest import require
from tests.service.canary.hooks import Between
from tests.service.canary.project import Project
from tests.service.canary.test_faults import SETTINGS, site
from tests.tools.helm import Major, helm
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE, SPACE, Judge

# as `mcci deploy` does: the canary owns `spec.http`, which is one field, and an upgrade passes the weights it has
FORCE: dict[Major, list[str]] = {"3": [], "4": ["--server-side=true", "--force-conflicts"]}
CHART = Path(__file__).parents[3] / "charts" / "istio"


@pytest.fixture(params=["3", "4"], ids=["helm3", "helm4"])
def major(request: pytest.FixtureRequest) -> Major:
    """Each major version of Helm that users have."""
    return require(request.param)


def upgrade(found: Project, major: Major, name: str, weights: dict[str, int], **more: Any) -> None:
    """`helm upgrade --install staff-service-traffic`, as a deployment does it."""
    values = {
        "app": SERVICE,
        "subsets": [{"name": version, "version": version} for version in (V1, V2)],
        "weights": [{"subset": version, "weight": weight} for version, weight in weights.items()],
        "testers": {"subset": V2},
        **more,
    }
    done = subprocess.run(
        [
            str(helm(major)), "upgrade", "--install", f"{SERVICE}-traffic", str(CHART), "--namespace", SPACE,
            "--kubeconfig", str(found.clusters[name].kubeconfig_file), "--values", "-", *FORCE[major],
        ],
        input=json.dumps(values), text=True, capture_output=True, timeout=60,
        env={**os.environ, "HOME": str(found.folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def with_helm(found: Project, major: Major) -> None:
    """A deployment whose traffic is a Helm release."""
    found.deploy()
    for name in found.config:
        found.api(name).delete(VIRTUAL_SERVICE, SERVICE, SPACE)
        upgrade(found, major, name, {V1: 100, V2: 0})


def test_an_upgrade_between_two_steps(two: Project, major: Major) -> None:
    """An upgrade that passes the live weights changes what it means to and no weight, and the next step goes on."""
    with_helm(two, major)
    assert two.run("step", SERVICE, "--to", "10")[0] == 0
    for name in two.config:
        upgrade(two, major, name, two.weights(name), virtualService={"http": [{"name": "primary", "timeout": "7s"}]})
    assert two.share() == [10, 10]
    code, said = two.run("step", SERVICE, "--to", "25")
    assert (code, two.share()) == (0, [25, 25]), said
    found = two.api("prod-azure").get(VIRTUAL_SERVICE, SERVICE, SPACE)
    assert found
    assert found["spec"]["http"][1]["timeout"] == "7s"
    assert found["spec"]["http"][0]["route"][0]["destination"]["subset"] == V2
    assert two.run("abort", SERVICE)[0] == 0
    assert (two.share(), two.state().phase) == ([0, 0], Phase.ABORTED)


def test_an_upgrade_in_the_middle_of_a_step(two: Project, major: Major) -> None:
    """An upgrade between reading and writing is not overwritten: every cluster goes back, and a new step takes it."""
    with_helm(two, major)

    class Upgraded(Between):
        def replace(self, kind: Any, body: Any, *, dry_run: bool = False) -> Any:
            result = self._api.replace(kind, body, dry_run=dry_run)
            if kind == VIRTUAL_SERVICE and dry_run:
                http = [{"name": "primary", "timeout": "7s"}]
                upgrade(two, major, "prod-azure", {V1: 100, V2: 0}, virtualService={"http": http})
            return result

    with ExitStack() as stack:
        place = site(two, stack)
        apis: dict[str, Any] = {**place.config, "prod-azure": Upgraded(place.config["prod-azure"])}
        with pytest.raises(Restored, match="prod-azure"):
            step(replace(place, config=apis), 10, SETTINGS, Judge())
    assert two.share() == [0, 0]
    assert two.run("step", SERVICE, "--to", "10")[0] == 0
    assert two.share() == [10, 10]
    found = two.api("prod-azure").get(VIRTUAL_SERVICE, SERVICE, SPACE)
    assert found
    assert found["spec"]["http"][1]["timeout"] == "7s"
