"""A shared control plane over two networks, from a repository's charts, with the rights of the table and no others."""

from __future__ import annotations

import functools
import http.server
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from mcci.lab.clusters.access.users import service_account
from mcci.lab.clusters.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from mcci.mesh import rights
from tests.service.istio.project import CHARTS, named, objects
from tests.tools.helm import helm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.istio.project import Project
    from tests.tools.lab import LabCluster

pytestmark = pytest.mark.service
RIGHTS = rights.INSTALL + rights.EXPOSE + rights.WATCHED + rights.WATCHING + rights.FEDERATE
RBAC = "rbac.authorization.k8s.io"


def test_two_networks(project: Project, tmp_path: Path) -> None:
    """The remote's gateway comes with the join, when the control plane knows the cluster; no right is lacking."""
    clusters = {"aws": {"network": "one"}, "azure": {"network": "two", "eastwest": "203.0.113.8"}}
    aws, azure = project.clusters["aws"], project.clusters["azure"]
    for name, cluster in project.clusters.items():
        file = project.folder / f"{name}.installer"
        file.write_text(_installer(cluster))
        project.more[f"KUBECONFIG_{name.upper()}"] = str(file)
    with _repository(tmp_path / "charts") as url:
        project.write({"charts": url, "version": "1.29.0"}, clusters)
        assert "1.29.0" in project.install(code=1)  # the repository has no such version
        project.write({"charts": url, "version": "1.28.1"}, clusters)
        project.install()
        assert objects(azure, "Deployment") == []
        project.mcci("join")
        assert "nothing changed" in project.mcci("join")
        assert "nothing changed" in project.install()
    labels = named(azure, "Service", "istio-eastwestgateway")["metadata"]["labels"]
    assert labels["topology.istio.io/network"] == "two"
    assert named(azure, "Namespace", "istio-system")["metadata"]["labels"]["topology.istio.io/network"] == "two"
    assert "istio-eastwestgateway" in [each["metadata"]["name"] for each in objects(aws, "Deployment")]


def _installer(cluster: LabCluster) -> str:
    """Return a kubeconfig of somebody who has the table's rights."""
    rules: list[dict[str, Any]] = [
        {"apiGroups": [kind.group], "resources": [f"{kind.plural}/{sub}" if sub else kind.plural], "verbs": [verb]}
        for verb, kind, sub in dict.fromkeys(RIGHTS)
    ]
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "installer"}, "rules": rules}
    cluster.store.create(CLUSTER_ROLES, role)
    binding = {
        "apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "installer"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "installer"},
        "subjects": [{"kind": "ServiceAccount", "name": "installer", "namespace": "default"}],
    }  # fmt: skip
    cluster.store.create(CLUSTER_ROLE_BINDINGS, binding)
    return cluster.kubeconfig(service_account("default", "installer"))


@contextmanager
def _repository(folder: Path) -> Iterator[str]:
    """Serve the charts as a Helm repository on loopback, and give its URL."""
    folder.mkdir()
    for name in ("base", "istiod", "gateway"):
        subprocess.run([helm("3"), "package", CHARTS / name, "--destination", folder], check=True, capture_output=True)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        subprocess.run([helm("3"), "repo", "index", folder, "--url", url], check=True, capture_output=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""
