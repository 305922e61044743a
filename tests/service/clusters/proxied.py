"""A lab cluster behind a proxy that fails, and clients that reach it."""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.registry.retry import Policy
from tests.tools import faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcci.clients.kubernetes.client import Client
    from tests.tools.faults import Proxy
    from tests.tools.lab import LabCluster

QUICK = Policy(first=0.05, longest=0.2, connect=2, silence=2)


@contextmanager
def proxied(cluster: LabCluster) -> Iterator[Proxy]:
    """Run a proxy before a cluster, with the cluster's own certificate: a kubeconfig needs only the other port."""
    folder = cluster.kubeconfig_file.parent
    upstream = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(folder / "server.crt", folder / "server.key")
    host, port = cluster.url.removeprefix("https://").split(":")
    with faults.before(
        lambda: http.client.HTTPSConnection(host, int(port), context=upstream, timeout=60), tls=own
    ) as proxy:
        yield proxy


def through(proxy: Proxy, cluster: LabCluster, text: str = "") -> str:
    """Return a kubeconfig (by default the administrator's) that leads through the proxy."""
    return (text or cluster.kubeconfig()).replace(cluster.url, f"https://{proxy.host}")


@contextmanager
def connected(text: str, folder: Path, *, deadline: float = 10.0, policy: Policy = QUICK) -> Iterator[Client]:
    """Open the cluster of a kubeconfig."""
    document = kubeconfig.select(kubeconfig.parse(text, "test"), "", "test", folder)
    api = client.connect("prod-aws", kubeconfig.read(document, "test"), deadline=deadline, policy=policy)
    try:
        yield api
    finally:
        api.close()
