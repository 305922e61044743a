"""A cluster of the lab over HTTPS: what clients trust, and what a restart leaves as it was."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from mcci.lab.clusters.access.users import ADMIN, User
from mcci.lab.clusters.cluster import Cluster
from tests.tools.lab import lab_clusters

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def _client(cluster: Cluster, user: User = ADMIN, *, seconds: float | None = None) -> httpx.Client:
    """Return a client that trusts the cluster's own authority, as its kubeconfig says."""
    token = yaml.safe_load(cluster.kubeconfig(user, seconds=seconds))["users"][0]["user"]["token"]
    trusted = ssl.create_default_context(cafile=str(cluster.folder / "ca.crt"))
    return httpx.Client(base_url=cluster.url, verify=trusted, headers={"Authorization": f"Bearer {token}"})


def test_restart_keeps_state_tokens_and_trust(tmp_path: Path) -> None:
    """After a restart on the same port an old client finds what it wrote, with its old token and certificate."""
    with Cluster("one", tmp_path) as cluster:
        port = cluster.port
        client = _client(cluster)
        made = client.post(CONFIG_MAPS, json={"metadata": {"name": "a"}, "data": {"x": "1"}}).json()
    with closing(client), Cluster("one", tmp_path, port=port):
        assert client.get(f"{CONFIG_MAPS}/a").json() == made
        after = client.post(CONFIG_MAPS, json={"metadata": {"name": "b"}}).json()
        assert int(after["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])


def test_stop_ends_watches(tmp_path: Path) -> None:
    """A server that stops ends its watches at once, and does not wait for idle connections."""
    with Cluster("one", tmp_path) as cluster:
        client = _client(cluster)
        watching = client.stream("GET", CONFIG_MAPS, params={"watch": "true"}, timeout=20)
        reply = watching.__enter__()
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert list(reply.iter_lines()) == []
    watching.__exit__(None, None, None)
    client.close()


def test_other_authority_is_not_trusted(tmp_path: Path) -> None:
    """Each cluster has an authority of its own: one's does not vouch for another."""
    with Cluster("one", tmp_path / "one") as one, Cluster("two", tmp_path / "two") as two:
        trusted = ssl.create_default_context(cafile=str(one.folder / "ca.crt"))
        with (
            httpx.Client(verify=trusted) as client,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            client.get(f"{two.url}/readyz")


def test_secrets_of_the_cluster_are_its_owners(tmp_path: Path) -> None:
    """Keys and kubeconfig, which lead into the cluster, are readable by their owner alone."""
    with lab_clusters(["one"], folder=tmp_path, controllers=False):
        modes = {
            name: (tmp_path / "one" / name).stat().st_mode & 0o777 for name in ("server.key", "token.key", "kubeconfig")
        }
    assert set(modes.values()) == {0o600}


def test_token_expires(tmp_path: Path) -> None:
    """A kubeconfig for so many seconds is worth nothing afterwards."""
    with Cluster("one", tmp_path) as cluster, _client(cluster, seconds=-1) as client:
        assert client.get("/version").status_code == 401


def test_taken_port_is_said(tmp_path: Path) -> None:
    """A cluster whose port is taken says so, instead of hanging."""
    with (
        Cluster("one", tmp_path / "one") as one,
        pytest.raises(RuntimeError, match="cluster two did not start"),
        Cluster("two", tmp_path / "two", port=one.port),
    ):
        pass
