"""`mcci mesh` with one shared control plane, against local cluster APIs: a real Helm, stand-ins for Istio's charts."""

from __future__ import annotations

import base64
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
