"""Keyless access: the job's ID token is exchanged for a cloud's credentials by the cloud's own credential plug-in.

The token goes to the plug-in in a file; nothing secret is in an argument or in the kubeconfig.

Sources: https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html ;
https://azure.github.io/kubelogin/concepts/login-modes/workloadidentity.html ;
https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.clients.kubernetes import kubeconfig
from mcci.clients.kubernetes.programs import printed
from mcci.config.choices import Cloud
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcci.clients.kubernetes.kubeconfig import Document
    from mcci.config.clouds import Cluster, Oidc

AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the application that every AKS cluster is for Microsoft Entra
_API = "client.authentication.k8s.io/v1beta1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How one cloud's plug-in is called, and how its program tells a cluster's address."""

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    locate: Callable[[], tuple[str, str]]  # the server, and its authority in base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A cluster that is reached with the ID token in a file, by the job of that id."""

    cluster: Cluster
    oidc: Oidc
    token: Path
    job: str

    @property
    def name(self) -> str:
        """The cluster's name in its cloud."""
        return self.oidc.cluster or self.cluster.name

    @property
    def purpose(self) -> str:
        """What programs are run for, in words."""
        return f"keyless access to {self.cluster.name}"


def document(cluster: Cluster, root: Path, environment: Mapping[str, str], folder: Path) -> Document:
    """Return the kubeconfig of a cluster with `oidc`. `folder` is private, and outlives its use.

    `root` is where paths in mcci.yml begin. Raises `UsageError` when the ID token is not there, `UsageError` or
    `ServiceFailed` when the cloud does not tell where the cluster is.
    """
    oidc = cluster.oidc
    assert oidc is not None
    token = environment.get(cluster.id_token_variable, "").strip()
    if not token:
        raise UsageError(
            f"the cluster {cluster.name} cannot be reached: the job has no ID token in {cluster.id_token_variable}. "
            "The jobs that mcci generates ask for it with `id_tokens`; at a terminal, use a kubeconfig instead."
        )
    file = folder / "id-token"
    _write(file, token)
    way = Way(cluster=cluster, oidc=oidc, token=file, job=environment.get("CI_JOB_ID", ""))
    exchange = _EXCHANGES[cluster.cloud](way)
    try:
        server, authority = _given(oidc, root) or exchange.locate()
    except (KeyError, TypeError, IndexError) as error:
        raise UsageError(
            f"{way.purpose}: the cloud's program does not tell the cluster's address ({error})."
        ) from error
    name = cluster.name
    plugin = {
        "apiVersion": _API,
        "command": exchange.command,
        "args": list(exchange.arguments),
        "env": [{"name": key, "value": value} for key, value in exchange.environment.items()],
        "interactiveMode": "Never",
        "provideClusterInfo": exchange.command == "gke-gcloud-auth-plugin",
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": {"exec": plugin}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def _eks(way: Way) -> Exchange:
    variables = {
        "AWS_ROLE_ARN": way.oidc.identity,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(way.token),
        "AWS_ROLE_SESSION_NAME": f"mcci-{way.job or 'terminal'}",
    }

    def locate() -> tuple[str, str]:
        command = ["aws", "eks", "describe-cluster", "--name", way.name, "--region", way.cluster.region]
        found = _told([*command, "--output", "json"], way, variables)["cluster"]
        return found["endpoint"], found["certificateAuthority"]["data"]

    return Exchange(
        command="aws",
        arguments=("eks", "get-token", "--cluster-name", way.name, "--region", way.cluster.region, "--output", "json"),
        environment=variables,
        locate=locate,
    )


def _aks(way: Way) -> Exchange:
    variables = {
        "AZURE_CLIENT_ID": way.oidc.identity,
        "AZURE_TENANT_ID": way.oidc.tenant,
        "AZURE_FEDERATED_TOKEN_FILE": str(way.token),
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }

    def locate() -> tuple[str, str]:
        own = {"AZURE_CONFIG_DIR": str(way.token.parent / "azure")}
        # az reads the value of an argument from a file where it begins with @
        login = ["az", "login", "--service-principal", "--username", way.oidc.identity, "--tenant", way.oidc.tenant]
        login += ["--federated-token", f"@{way.token}", "--output", "none"]
        printed(login, environment=own, purpose=way.purpose)
        asked = ["az", "aks", "get-credentials", "--resource-group", way.oidc.resource_group, "--name", way.name]
        asked += ["--file", "-"]
        text = printed(asked, environment=own, purpose=way.purpose)
        found = kubeconfig.parse(text, f"what az says of {way.cluster.name}")["clusters"][0]["cluster"]
        return found["server"], found["certificate-authority-data"]

    return Exchange(
        command="kubelogin",
        arguments=("get-token", "--login", "workloadidentity", "--server-id", AKS_SERVER),
        environment=variables,
        locate=locate,
    )


def _gke(way: Way) -> Exchange:
    account = way.token.with_name("google.json")
    impersonation = f"projects/-/serviceAccounts/{way.oidc.identity}:generateAccessToken"
    body = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{way.oidc.provider}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(way.token), "format": {"type": "text"}},
        "service_account_impersonation_url": f"https://iamcredentials.googleapis.com/v1/{impersonation}",
    }
    _write(account, json.dumps(body))
    own = {
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": str(account),
        "CLOUDSDK_CONFIG": str(way.token.parent / "gcloud"),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    }

    def locate() -> tuple[str, str]:
        command = ["gcloud", "container", "clusters", "describe", way.name, "--location", way.cluster.region]
        found = _told([*command, "--project", way.oidc.project, "--format", "json"], way, own)
        return f"https://{found['endpoint']}", found["masterAuth"]["clusterCaCertificate"]

    return Exchange(
        command="gke-gcloud-auth-plugin",
        arguments=("--use_application_default_credentials=true",),
        environment={"GOOGLE_APPLICATION_CREDENTIALS": str(account), "CLOUDSDK_CONFIG": own["CLOUDSDK_CONFIG"]},
        locate=locate,
    )


_EXCHANGES = {Cloud.AWS: _eks, Cloud.AZURE: _aks, Cloud.GCP: _gke}


def _told(command: list[str], way: Way, environment: Mapping[str, str]) -> dict[str, Any]:
    text = printed(command, environment=environment, purpose=way.purpose)
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{way.purpose}: what '{command[0]}' printed is no JSON.") from error
    return found


def _given(oidc: Oidc, root: Path) -> tuple[str, str] | None:
    if not oidc.server:
        return None
    try:
        pem = (root / oidc.authority).read_bytes()
    except OSError as error:
        raise UsageError(f"the cluster's authority, {oidc.authority}, cannot be read: {error.strerror}.") from error
    return oidc.server, base64.b64encode(pem).decode()


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
