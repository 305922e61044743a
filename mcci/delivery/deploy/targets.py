"""Clusters, opened for a deploy: the API of each, and the helm that reaches it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcci.clients.helm import binary
from mcci.clients.helm.client import HelmClient
from mcci.clusters.access import open_clusters
from mcci.delivery.deploy.session import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mcci.config.model import Config


@contextmanager
def open_targets(
    config: Config, names: Sequence[str], environment: Mapping[str, str], root: Path
) -> Iterator[dict[str, Target]]:
    """Open the clusters `names`; `root` is the folder of mcci.yml.

    Raises `UsageError` for a helm, or an access to a cluster, that is not there or cannot be used.
    """
    helm = binary.find(environment)
    clusters = [config.clusters[name] for name in dict.fromkeys(names)]
    with open_clusters(clusters, environment, root=root) as opened:
        yield {
            name: Target(api=each.api, helm=HelmClient(helm, environment, each.kubeconfig))
            for name, each in opened.items()
        }
