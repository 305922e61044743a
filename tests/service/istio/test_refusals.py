"""What `mcci mesh` refuses, and that it has changed nothing then."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.helm import storage
from mcci.lab.clusters.access.users import service_account
from mcci.lab.clusters.resources import BUILT_IN, CLUSTER_ROLE_BINDINGS
from tests.service.istio.project import CHARTS, named, objects

if TYPE_CHECKING:
    from tests.service.istio.project import Project
    from tests.tools.lab import LabCluster

pytestmark = pytest.mark.service


def _writes(clusters: dict[str, LabCluster]) -> dict[str, int]:
    """Return how many objects each cluster holds, and the newest version of any."""
    return {name: each.store.revision for name, each in clusters.items()}


def test_nothing_is_changed(project: Project) -> None:
    """A dry run, an ended root, overlapping pods, a readable key and missing rights change no cluster."""
    clusters = dict(project.clusters)
    project.write()
    before = _writes(clusters)
    shown = project.install("--dry-run")
    assert "remotePilotAddress: 203.0.113.7" in shown
    assert "ca-key.pem: '***'" in shown
    assert not project.root.exists()
    assert "where the mesh's root key must never be" in project.mcci("install", "--ca", "keys", code=2)
    assert "must get a certificate" in project.mcci("install", code=2)
    assert "run `mcci mesh install` first" in project.mcci("join", code=2)
    project.root.mkdir()
    (project.root / "root-key.pem").write_text("x")
    (project.root / "root-key.pem").chmod(0o644)
    assert "chmod 600" in project.install(code=2)
    (project.root / "root-key.pem").unlink()

    project.write({"version": "1.27.0"})
    assert "asks for Istio 1.27.0, and the charts" in project.install(code=2)
    assert _writes(clusters) == before

    project.write()
    nobody = project.folder / "nobody"
    nobody.write_text(clusters["azure"].kubeconfig(service_account("default", "nobody")))
    project.more = {"KUBECONFIG_AZURE": str(nobody)}
    said = project.install(code=2)
    assert "azure: the credentials may not" in said
    assert "create clusterroles.rbac.authorization.k8s.io" in said
    assert "aws: the credentials" not in said
    assert _writes(clusters) == before
    project.more = {}

    for cluster in clusters.values():
        _node(cluster, "10.42.0.0/24")
    before = _writes(clusters)
    assert "overlap" in project.install(code=2)
    assert _writes(clusters) == before


def test_a_reader_without_rights(project: Project) -> None:
    """A remote whose reader may not read is refused by name, and its control plane gets no secret."""
    project.write()
    project.install()
    azure = project.clusters["azure"]
    (binding,) = [each for each in objects(azure, "ClusterRoleBinding") if "reader" in each["metadata"]["name"]]
    azure.store.delete(CLUSTER_ROLE_BINDINGS, binding["metadata"]["name"])
    said = project.mcci("join", code=2)
    assert "istio-reader-service-account may not get services" in said
    names = [each["metadata"]["name"] for each in objects(project.clusters["aws"], "Secret")]
    assert "istio-remote-secret-azure" not in names
    assert not [each for each in objects(azure, "Secret") if each["metadata"]["name"].startswith("mcci-mesh-")]


@pytest.mark.faults
def test_killed_between(project: Project) -> None:
    """An install that is killed with a release half made is finished by the next one."""
    project.write()
    log = project.folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            project.command("install", "--ca", str(project.root)), cwd=project.repository, env=project.environment,
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        _until(lambda: any("istiod" in each["metadata"]["name"] for each in _helm(project)))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    aws = project.clusters["aws"]
    assert not objects(project.clusters["azure"], "Service")
    _until(
        lambda: all(_status(each) in ("deployed", "failed") for each in _helm(project))
    )  # the orphaned helm has ended
    _leave_pending(aws, "sh.helm.release.v1.istiod.v1")
    _break_the_lock(aws)
    project.install()
    assert "istiod: was left pending-install by a job that died" in project.said
    assert named(project.clusters["azure"], "Service", "istiod-remote")
    assert (project.root / "root-cert.pem").exists()
    assert "nothing changed" in project.install()


SLOW = """#!/bin/sh
# a helm that says its version, and then never ends
case "$1" in version) printf v3.19.0 ;; *) echo $$ > "$HOME/helm.pid"; exec sleep 300 ;; esac
"""


@pytest.mark.faults
def test_interrupted(project: Project) -> None:
    """An install that is cancelled ends its helm with it, gives the lock back, and says that it was terminated."""
    project.write()
    stub = project.folder / "helm"
    stub.write_text(SLOW)
    stub.chmod(0o755)
    project.more = {"MCCI_HELM": str(stub)}
    process = subprocess.Popen(
        project.command("install", "--ca", str(project.root)), cwd=project.repository, env=project.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    pid = project.folder / "helm.pid"
    try:
        _until(lambda: pid.exists() and pid.read_text().strip())
        process.terminate()
        assert process.wait(60) == 143
    finally:
        process.kill()
        process.wait()
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    (lease,) = project.clusters["aws"].store.list(next(each for each in BUILT_IN if each.kind == "Lease"))
    assert not lease["spec"].get("holderIdentity")


def _helm(project: Project) -> list[dict[str, Any]]:
    found = objects(project.clusters["aws"], "Secret")
    return [each for each in found if each.get("type") == "helm.sh/release.v1"]


def _status(secret: dict[str, Any]) -> str:
    return storage.read(secret).status


def _leave_pending(cluster: LabCluster, name: str) -> None:
    """As if that helm had been killed too."""

    def edit(secret: dict[str, Any]) -> None:
        body = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
        body["info"].update(status="pending-install", description="Initial install underway")
        packed = base64.b64encode(gzip.compress(json.dumps(body).encode()))
        secret["data"]["release"] = base64.b64encode(packed).decode()
        secret["metadata"]["labels"]["status"] = "pending-install"

    cluster.store.change(next(each for each in BUILT_IN if each.kind == "Secret"), name, "istio-system", edit)


def _until(ready: Any) -> None:
    end = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.005)


def _break_the_lock(cluster: LabCluster) -> None:
    """The dead job's Lease would stand in the way for 45 s more: as if that time were over."""
    leases = next(each for each in BUILT_IN if each.kind == "Lease")
    for each in cluster.store.list(leases):
        cluster.store.delete(leases, each["metadata"]["name"], each["metadata"]["namespace"])


def _node(cluster: LabCluster, pods: str) -> None:
    nodes = next(each for each in BUILT_IN if each.kind == "Node")
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "overlapping"}, "spec": {"podCIDRs": [pods]}}
    cluster.store.create(nodes, body)


def test_the_charts_are_labelled() -> None:
    """The stand-ins say that they are none of Istio's."""
    for name in ("base", "istiod", "gateway"):
        assert "stand-in" in (CHARTS / name / "Chart.yaml").read_text()
