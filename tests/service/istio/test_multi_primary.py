"""`mcci mesh` with a control plane in each cluster, against local cluster APIs and stand-ins for Istio's charts."""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.kubernetes.api import NotAllowed
from mcci.lab.clusters.catalog import Catalog
from mcci.mesh import links, remote_secrets
from tests.service.istio.project import named, objects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.istio.project import Project

pytestmark = pytest.mark.service
PARTNER = {"host": "rates.bank.svc.cluster.local", "gateway": "198.51.100.9", "ports": {"http": 8080}}


def test_two_control_planes(project: Project, tmp_path: Path) -> None:
    """Each has a certificate of one root, as openssl verifies; each watches the other; tokens and keys are renewed."""
    mesh = {"topology": "multi-primary", "services": {"rates": PARTNER}}
    project.helm = "4"
    project.write(mesh)
    aws, azure = project.clusters["aws"], project.clusters["azure"]
    project.install()
    assert (project.root / "root-key.pem").stat().st_mode & 0o777 == 0o600
    for cluster in (aws, azure):
        assert "OK" in _openssl(named(cluster, "Secret", "cacerts"), tmp_path)
        labels = named(cluster, "Namespace", "istio-system")["metadata"]["labels"]
        assert labels["topology.istio.io/network"] == cluster.name
    project.mcci("join")
    (first,) = _remotes(aws)
    assert [each["metadata"]["name"] for each in _remotes(azure)] == ["istio-remote-secret-aws"]
    assert [each["spec"]["hosts"] for each in _entries(aws)] == [[PARTNER["host"]]]

    project.mcci("join", "--rotate")
    (second,) = _remotes(aws)
    assert first["data"] != second["data"]
    assert _lacks(second) == ()
    with pytest.raises(NotAllowed):  # the old token ended with the Secret that it was bound to
        _lacks(first)
    assert "nothing changed" in project.mcci("join")

    before = named(aws, "Secret", "cacerts")["data"], named(azure, "Secret", "cacerts")["data"]
    project.install("--renew", "aws")
    after = named(aws, "Secret", "cacerts")["data"], named(azure, "Secret", "cacerts")["data"]
    assert before[0]["ca-cert.pem"] != after[0]["ca-cert.pem"]
    assert before[0]["root-cert.pem"] == after[0]["root-cert.pem"]
    assert before[1] == after[1]

    project.write({"topology": "multi-primary"})
    project.mcci("join")
    assert _entries(aws) == []
    assert project.secrets()
    assert not [each for each in project.secrets() if each in project.said]


def _lacks(secret: dict[str, Any]) -> tuple[str, ...]:
    """Ask the cluster of a remote secret what its token may not do that a control plane must."""
    remote = remote_secrets.read(secret)
    return links.lacking_rights(remote.cluster, remote.server, remote.authority, remote.token)


def _openssl(secret: dict[str, Any], folder: Path) -> str:
    """Have openssl verify a cluster's certificate by the root alone."""
    for name in ("root-cert.pem", "ca-cert.pem"):
        (folder / name).write_bytes(base64.b64decode(secret["data"][name]))
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-CAfile",
        str(folder / "root-cert.pem"),
        str(folder / "ca-cert.pem"),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _remotes(cluster: Any) -> list[dict[str, Any]]:
    return [each for each in objects(cluster, "Secret") if each["metadata"]["name"].startswith("istio-remote-secret")]


def _entries(cluster: Any) -> list[dict[str, Any]]:
    entries = Catalog(cluster.store).find("networking.istio.io", "v1", "serviceentries")
    assert entries is not None
    return list(cluster.store.list(entries))
