"""Where the clusters under contract come from."""

from __future__ import annotations

import base64
import contextlib
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from mcci.lab.clusters.access.users import ADMIN, User
from tests.contract.api import Api, Cluster, client, eventually, good
from tests.contract.real import kubelet, servers, sources
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from collections.abc import Iterator

WRONG_TOKEN = "no-such-token"


@contextlib.contextmanager
def real(binaries: sources.Binaries, folder: Path) -> Iterator[Cluster]:
    """Run the control plane that was built, and a node whose pods are fakes."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.control_plane(binaries, folder))
        users = [_user(server, token) for token in (servers.ADMIN, servers.NOBODY, WRONG_TOKEN, servers.ADMIN)]
        for user in users:
            stack.callback(user.close)
        admin, nobody, stranger, of_node = users
        kubeconfig = servers.write_kubeconfig(folder / "kubeconfig.yml", server, servers.ADMIN)
        wait_for_account(admin, "default")
        stack.enter_context(kubelet.running(of_node, server.certificate, folder / "key.pem", folder / "pods"))
        yield Cluster(
            name="real", kubeconfig=kubeconfig, version=_version(admin), admin=admin, nobody=nobody, stranger=stranger,
            compact=lambda: None,
        )  # fmt: skip


@contextlib.contextmanager
def given(kubeconfig: Path) -> Iterator[Cluster]:
    """Reach the cluster of a kubeconfig's current context; its pods are real, whoever runs them."""
    configuration = _loaded(kubeconfig)
    pair = (configuration.cert_file, configuration.key_file) if configuration.cert_file else None
    token = configuration.get_api_key_with_prefix("BearerToken") or configuration.get_api_key_with_prefix(
        "authorization"
    )
    own = {"Authorization": token} if token else {}
    admin = client(configuration.host, configuration.ssl_ca_cert, own, pair)
    nobody = client(configuration.host, configuration.ssl_ca_cert, {**own, "Impersonate-User": "contract-nobody"}, pair)
    stranger = client(configuration.host, configuration.ssl_ca_cert, _bearer(WRONG_TOKEN))
    try:
        yield Cluster(
            name="given", kubeconfig=kubeconfig, version=_version(admin), admin=admin, nobody=nobody,
            stranger=stranger, compact=lambda: None,
        )  # fmt: skip
    finally:
        for api in (admin, nobody, stranger):
            api.close()


def _loaded(kubeconfig: Path) -> Any:
    from kubernetes import client as library
    from kubernetes import config

    configuration = library.Configuration()
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
        )
    except config.ConfigException as error:
        raise ValueError(f"{kubeconfig}: {error}") from error
    return configuration


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[Cluster]:
    """Run a cluster of the lab, its pods fakes."""
    with lab_clusters(["contract"], folder=folder) as found, contextlib.ExitStack() as stack:
        one = found["contract"]
        certificate = folder / "ca.crt"
        certificate.write_text(_authority(one.kubeconfig_file))
        tokens = [one.cluster.tokens.issue(user) for user in (ADMIN, User(name="nobody"))]
        users = [client(one.url, str(certificate), _bearer(token)) for token in (*tokens, WRONG_TOKEN)]
        for user in users:
            stack.callback(user.close)
        admin, nobody, stranger = users
        yield Cluster(
            name="lab", kubeconfig=one.kubeconfig_file, version=_version(admin), admin=admin, nobody=nobody,
            stranger=stranger, compact=one.store.compact,
        )  # fmt: skip


def _authority(kubeconfig: Path) -> str:
    body = yaml.safe_load(kubeconfig.read_text())
    return base64.b64decode(body["clusters"][0]["cluster"]["certificate-authority-data"]).decode()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@cache
def real_version() -> tuple[int, int]:
    """Return the version of the real cluster, without starting it."""
    if not os.environ.get("KUBECONFIG"):
        major, minor, _ = sources.VERSION.split(".")
        return int(major), int(minor)
    try:
        with given(Path(os.environ["KUBECONFIG"])) as cluster:
            return cluster.version
    except (AssertionError, httpx.HTTPError, ValueError, OSError) as error:
        raise pytest.UsageError(f"KUBECONFIG names no cluster that can be used: {error}") from error


def wait_for_account(api: Api, namespace: str) -> None:
    """Wait until pods can be made in a namespace: its `default` ServiceAccount is there (before 1.24 with a token)."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    old = _version(api) < (1, 24)

    def there() -> bool:
        reply = api.get(path)
        return reply.status_code == 200 and (not old or bool(reply.json().get("secrets")))

    eventually(there, f"the default ServiceAccount of {namespace}")


def _user(server: servers.ControlPlane, token: str) -> Api:
    return client(server.url, str(server.certificate), _bearer(token))


def _version(api: Api) -> tuple[int, int]:
    body = good(api.get("/version"))
    return int(body["major"]), int(re.sub(r"\D", "", body["minor"]))
