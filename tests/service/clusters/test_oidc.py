"""Keyless access with the clouds' programs: what they are called with, and what comes of what they say.

The programs are stand-ins: they note how they are called, and answer as the clouds' do.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mcci.clients.kubernetes.api import NAMESPACE
from mcci.clusters.access import open_cluster
from mcci.config.choices import Cloud
from mcci.errors import UsageError
from tests.unit.clusters.configs import cluster, oidc

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.lab import LabCluster

TOKEN = "header.secret.signature"


def programs(folder: Path, lab: LabCluster, **failing: str) -> Path:
    """Write the clouds' programs into a folder and return it; each notes its call in `calls`."""
    document = yaml.safe_load(lab.kubeconfig())
    authority, user = document["clusters"][0]["cluster"]["certificate-authority-data"], document["users"][0]["user"]
    eks = {"cluster": {"endpoint": lab.url, "certificateAuthority": {"data": authority}}}
    gke = {"endpoint": lab.url.removeprefix("https://"), "masterAuth": {"clusterCaCertificate": authority}}
    aks = {"clusters": [{"name": "x", "cluster": {"server": lab.url, "certificate-authority-data": authority}}]}
    credential = {"kind": "ExecCredential", "status": {"token": user["token"]}}
    answers: dict[str, dict[str, Any]] = {
        "aws": {"eks describe-cluster": eks, "eks get-token": credential},
        "kubelogin": {"get-token": credential},
        "gke-gcloud-auth-plugin": {"": credential},
        "gcloud": {"container clusters describe": gke},
        "az": {"login": {}, "aks get-credentials": aks},
    }
    for name, replies in answers.items():
        script = [
            f'echo "{name} $*" >> {folder}/calls',
            f"env | grep -E '^(AWS|AZURE|GOOGLE|CLOUDSDK)' >> {folder}/calls",
        ]
        if name in failing:
            script += [f"echo '{failing[name]}' >&2", "exit 3"]
        for words, reply in replies.items():
            script.append(f"case \"$*\" in '{words}'*) echo '{json.dumps(reply)}';; esac")
        (folder / name).write_text("#!/bin/sh\n" + "\n".join(script) + "\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("cloud", [Cloud.AWS, Cloud.AZURE, Cloud.GCP])
def test_exchange(cloud: Cloud, lab: LabCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cloud tells where the cluster is, its plug-in gets the credentials, and no argument holds the ID token."""
    folder = programs(tmp_path, lab)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    with open_cluster(cluster(cloud=cloud, oidc=oidc()), {"MCCI_ID_TOKEN_PROD_AWS": TOKEN, "CI_JOB_ID": "7"}) as found:
        assert found.server == lab.url
        assert found.api.list(NAMESPACE)
        calls = (folder / "calls").read_text()
    assert TOKEN not in calls
    expected = {
        Cloud.AWS: ["aws eks describe-cluster --name prod-aws", "aws eks get-token", "AWS_ROLE_SESSION_NAME=mcci-7"],
        Cloud.AZURE: ["--federated-token @/", "az aks get-credentials --resource-group G", "kubelogin get-token"],
        Cloud.GCP: ["gcloud container clusters describe prod-aws", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE=/"],
    }
    for words in expected[cloud]:
        assert words in calls


def test_without_looking(lab: LabCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address and the authority in mcci.yml only the plug-in is run."""
    folder = programs(tmp_path, lab)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    authority = yaml.safe_load(lab.kubeconfig())["clusters"][0]["cluster"]["certificate-authority-data"]
    (tmp_path / "ca.pem").write_bytes(base64.b64decode(authority))
    given = cluster(cloud=Cloud.AZURE, oidc=oidc(server=lab.url, authority="ca.pem"))
    with open_cluster(given, {"MCCI_ID_TOKEN_PROD_AWS": TOKEN}, root=tmp_path) as found:
        assert found.api.list(NAMESPACE)
    assert "az " not in (folder / "calls").read_text()


@pytest.mark.parametrize(
    ("cloud", "program", "says"),
    [
        (Cloud.AWS, "aws", "AccessDenied"), (Cloud.AZURE, "az", "AADSTS700016"), (Cloud.GCP, "gcloud", "DENIED"),
    ],
)  # fmt: skip
def test_refused(
    cloud: Cloud, program: str, says: str, lab: LabCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the cloud's program says when it refuses is what the user reads."""
    monkeypatch.setenv("PATH", f"{programs(tmp_path, lab, **{program: says})}:/usr/bin:/bin")
    with (
        pytest.raises(UsageError, match=f"keyless access to prod-aws: '{program}' failed.*{says}"),
        open_cluster(cluster(cloud=cloud, oidc=oidc()), {"MCCI_ID_TOKEN_PROD_AWS": TOKEN}),
    ):
        pass


@pytest.mark.parametrize("cloud", [Cloud.AWS, Cloud.AZURE, Cloud.GCP])
def test_no_program(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job without the cloud's program is told which one, and where it belongs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(UsageError, match=r"runner\.image"),
        open_cluster(cluster(cloud=cloud, oidc=oidc()), {"MCCI_ID_TOKEN_PROD_AWS": TOKEN}),
    ):
        pass
