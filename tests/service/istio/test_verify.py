"""`mcci mesh verify` on a mesh that holds, and on one that does not."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mcci.lab.clusters.resources import NAMESPACES
from tests.service.istio.project import named, objects

if TYPE_CHECKING:
    from tests.service.istio.project import Project

pytestmark = pytest.mark.service
KUBECTL = """#!/bin/sh
# a stand-in for kubectl: what an istiod's pages would answer
case "$*" in
  *clusterz*) echo '[{"id": "aws", "syncStatus": "synced"}, {"id": "azure", "syncStatus": "STATE"}]' ;;
  *) echo '{"cart.shop.svc": {"shop": {"Shards": {"Kubernetes/aws": [{}], "Kubernetes/azure": [{}]}}}}' ;;
esac
"""


def test_verify(project: Project) -> None:
    """All that can be checked is, and the rest said to be unchecked; each fault is found, with what to do."""
    project.write()
    project.install()
    project.mcci("join")
    for cluster in project.clusters.values():
        _namespace(cluster, "enabled")
    stub = project.folder / "kubectl"
    _answers(stub, "synced")
    project.more = {"MCCI_KUBECTL": str(stub)}
    found = _verify(project, "--no-request", "--command", "test $MCCI_CLUSTER && echo from $MCCI_CLUSTER")
    assert found["aws", "control plane"] == "ok"
    assert found["aws", "remote secret of azure"] == "ok"
    assert found["aws", "clusters seen"] == "ok"
    assert found["aws", "endpoints"] == "ok"
    assert found["azure", "injector"] == "unchecked"
    assert found["azure", "command"] == "ok"

    found = _verify(project)
    assert found["aws", "request"] == "ok"  # by a pod that is a fake: how its end is judged, unit tests say
    pods = objects(project.clusters["aws"], "Pod", "shop")
    assert not [each for each in pods if "verify" in each["metadata"]["name"]]

    _answers(stub, "timeout")
    azure = project.clusters["azure"]
    _revoke(project)
    _namespace(azure, "disabled")
    found = _verify(project, "--no-request", code=1)
    assert found["aws", "clusters seen"] == "failed"
    assert found["aws", "remote secret of azure"] == "failed"
    assert found["azure", "namespace shop"] == "failed"
    project.mcci("join", "--rotate")
    _answers(stub, "synced")
    _namespace(azure, "enabled")
    _verify(project, "--no-request")
    assert not [each for each in project.secrets() if each in project.said]


def _verify(project: Project, *options: str, code: int = 0) -> dict[tuple[str, str], str]:
    document = project.json("verify", *options, code=code)
    assert document["schema"] == "mcci.mesh-verify/1"
    assert document["good"] is (code == 0)
    return {(each["cluster"], each["check"]): each["status"] for each in document["checks"]}


def _answers(stub: Any, state: str) -> None:
    stub.write_text(KUBECTL.replace("STATE", state))
    stub.chmod(0o755)


def _namespace(cluster: Any, injection: str) -> None:
    labels = {"istio-injection": injection}
    if cluster.store.get(NAMESPACES, "shop"):
        cluster.store.change(NAMESPACES, "shop", "", lambda body: body["metadata"]["labels"].update(labels))
        return
    metadata = {"name": "shop", "labels": labels}
    cluster.store.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def _revoke(project: Project) -> None:
    """Make the remote secret's token worth nothing at its cluster."""
    secret = named(project.clusters["aws"], "Secret", "istio-remote-secret-azure")
    token = yaml.safe_load(base64.b64decode(secret["data"]["azure"]))["users"][0]["user"]["token"]
    project.clusters["azure"].cluster.tokens.revoke(token)
