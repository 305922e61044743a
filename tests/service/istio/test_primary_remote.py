"""`mcci mesh` with one shared control plane, against local cluster APIs: a real Helm, stand-ins for Istio's charts."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.service.istio.project import named, objects

if TYPE_CHECKING:
    from tests.service.istio.project import Project

pytestmark = pytest.mark.service


def test_installed_and_joined(project: Project) -> None:
    """One cluster gets a control plane, the other uses it; a second run changes nothing; no secret is ever shown."""
    project.write()
    aws, azure = project.clusters["aws"], project.clusters["azure"]
    project.install()
    assert [each["metadata"]["name"] for each in objects(aws, "Deployment")] == ["istio-eastwestgateway", "istiod"]
    assert objects(azure, "Deployment") == []
    assert named(azure, "Service", "istiod-remote") is not None
    labels = named(azure, "Namespace", "istio-system")["metadata"]
    assert labels["annotations"]["topology.istio.io/controlPlaneClusters"] == "aws"
    project.mcci("join")
    (secret,) = [each for each in objects(aws, "Secret") if each["metadata"]["name"].startswith("istio-remote")]
    kubeconfig = yaml.safe_load(base64.b64decode(secret["data"]["azure"]))
    assert kubeconfig["clusters"][0]["cluster"]["server"] == azure.url
    assert "nothing changed" in project.install()
    assert "nothing changed" in project.mcci("join")
    assert project.secrets()
    assert not [each for each in project.secrets() if each in project.said]


@pytest.mark.faults
def test_two_joins_at_once(project: Project) -> None:
    """Of two that rotate at once neither ends the token that the other has stored last."""
    project.write()
    project.install()
    both = [
        subprocess.Popen(
            project.command("join", "--rotate"), cwd=project.repository, env=project.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        said, _ = process.communicate(timeout=240)
        assert process.returncode == 0, said
    checks = project.json("verify", "--no-request")["checks"]
    assert [each["status"] for each in checks if each["check"] == "remote secret of azure"] == ["ok"]
    anchors = [each for each in objects(project.clusters["azure"], "Secret") if "mcci-mesh" in each["metadata"]["name"]]
    assert len(anchors) == 1
