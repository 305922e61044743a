"""The way to a cluster through Rancher: a kubeconfig that Rancher makes, asked for only where none works yet."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.kubernetes.api import NotAllowed, Unreachable
from mcci.clusters import kubeconfigs
from mcci.errors import UsageError

if TYPE_CHECKING:
    from mcci.clients.kubernetes.kubeconfig import Document
    from mcci.clients.rancher import Rancher
    from mcci.clusters.rancher.waiting import Patience
    from mcci.config.model import Cluster

_SOURCE = "the kubeconfig that Rancher made"
CALL = 10.0  # seconds for one call to a cluster through Rancher


def is_rancher(rancher: Rancher, server: str, cluster: str = "") -> bool:
    """Say whether Rancher serves a cluster's API at this address: that of the cluster of this id, or anyone's."""
    places = tuple(f"{each}/k8s/clusters/" for each in rancher.addresses())
    return server in {f"{each}{cluster}" for each in places} if cluster else server.startswith(places)


def works(document: Document, rancher: Rancher, cluster: str) -> bool:
    """Say whether a kubeconfig reaches the cluster of this id through Rancher, and is taken there."""
    try:
        found = kubeconfig.read(document, "the kubeconfig at hand")
        if not is_rancher(rancher, found.server, cluster):
            return False
        api = client.connect("Rancher", found, deadline=CALL)
        try:
            return bool(api.version())
        finally:
            api.close()
    except (UsageError, Unreachable):
        return False


def generated(rancher: Rancher, cluster: Cluster, identity: str, authority: str) -> Document:
    """Have Rancher make a kubeconfig, and return it so that it stands alone. `authority` (PEM) is Rancher's, or empty.

    Raises `UsageError` where Rancher makes none that a job can use.
    """
    document = kubeconfig.parse(rancher.kubeconfig(identity), _SOURCE)
    chosen = kubeconfig.select(document, "", _SOURCE, Path())
    if chosen["users"][0]["user"].get("exec"):
        raise UsageError(
            f"{_SOURCE} has no token, but asks people to log in: Rancher's setting 'kubeconfig-generate-token' is off. "
            "Turn it on, or reach the cluster by a kubeconfig of its own."
        )
    server = chosen["clusters"][0]["cluster"]
    through = is_rancher(rancher, str(server.get("server") or ""))
    if authority and through and not server.get("certificate-authority-data"):
        server["certificate-authority-data"] = base64.b64encode(authority.encode()).decode()
    return kubeconfigs.alone(chosen, cluster, _SOURCE)


def answers(document: Document, name: str, patience: Patience) -> str:
    """Wait until the cluster answers, and return its version: Rancher calls it ready a little before its agent is."""
    found = kubeconfig.read(document, _SOURCE)
    api = client.connect(name, found, deadline=CALL)

    def look() -> tuple[str | None, str]:
        try:
            return api.version(), ""
        except (Unreachable, NotAllowed) as error:
            return None, str(error).rstrip(".")

    try:
        return patience.until(look, "An answer from the cluster through Rancher")
    finally:
        api.close()
