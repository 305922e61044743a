"""From a cluster in mcci.yml to its opened API, and to what Helm needs to reach it.

Whatever way in a cluster has, it ends in one kubeconfig of one context: checked, opened here, and handed to Helm as a
file that only this user may read and that goes when the work is done.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients.kubernetes import client, kubeconfig
from mcci.clusters import exec_rules, oidc, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.config.clouds import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A cluster that can be asked. Helm and kubectl reach it with `kubeconfig` and no more."""

    cluster: Cluster
    api: ClusterApi
    kubeconfig: Path
    server: str
    source: str  # where the access is from, in words

    @property
    def name(self) -> str:
        """The cluster's name in mcci.yml."""
        return self.cluster.name


@contextmanager
def open_cluster(
    cluster: Cluster, environment: Mapping[str, str], *, root: Path = Path(), deadline: float = client.DEADLINE
) -> Iterator[Opened]:
    """Open a cluster; `root` is the folder of mcci.yml. Nothing is asked of it yet.

    Each call to it takes at most `deadline` seconds. Raises `UsageError` when the access is not there or not safe.
    """
    with tempfile.TemporaryDirectory(prefix="mcci-") as name:  # of mode 0700
        folder = Path(name)
        if cluster.oidc:
            document, source = oidc.document(cluster, root, environment, folder), f"OIDC, for {cluster.name}"
        else:
            document, source = sources.find(cluster, environment)
        access = kubeconfig.read(document, source)
        if access.user.exec and not cluster.oidc:
            exec_rules.check(access.user.exec, cluster, source)
        file = folder / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
        api = client.connect(cluster.name, access, deadline=deadline)
        try:
            yield Opened(cluster=cluster, api=api, kubeconfig=file, server=access.server, source=source)
        finally:
            api.close()


@contextmanager
def open_clusters(
    clusters: Sequence[Cluster],
    environment: Mapping[str, str],
    *,
    root: Path = Path(),
    deadline: float = client.DEADLINE,
) -> Iterator[dict[str, Opened]]:
    """Open several clusters, by name, in their order."""
    with ExitStack() as stack:
        yield {
            each.name: stack.enter_context(open_cluster(each, environment, root=root, deadline=deadline))
            for each in clusters
        }
