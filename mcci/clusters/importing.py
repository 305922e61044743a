"""Access to an existing cluster, checked and brought to where `clusters:` looks for it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.clients import files, private_files
from mcci.clients.kubernetes import client, kubeconfig
from mcci.clusters import access, kubeconfigs, ranges, status, survey
from mcci.errors import McciError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.clients.kubernetes.kubeconfig import Document
    from mcci.clusters.kubeconfigs import Place
    from mcci.config.model import Cluster, Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A cluster that answers. `document` is the kubeconfig given for it; None where `clusters:` has the way in."""

    api: ClusterApi
    server: str
    seen: survey.Seen
    document: Document | None = field(default=None, repr=False)


def given(cluster: Cluster, path: Path, context: str) -> Document:
    """Return the kubeconfig in a file, narrowed to one context, so that it stands alone. Raises `UsageError`."""
    text = files.read(path).decode("utf-8", errors="replace")
    document = kubeconfig.parse(text, str(path))
    return kubeconfigs.alone(
        kubeconfig.select(document, context, str(path), path.absolute().parent), cluster, str(path)
    )


@contextmanager
def reached(
    config: Config,
    cluster: Cluster,
    document: Document | None,
    variables: Mapping[str, str],
    *,
    root: Path,
    deadline: float,
) -> Iterator[Reached]:
    """Open a cluster, look at it, and refuse it where its ranges are not what they should be.

    Raises `Unreachable`, `NotAllowed`, and `McciError` with every overlap.
    """
    if document is None:
        with access.open_cluster(cluster, variables, root=root, deadline=deadline) as opened:
            yield Reached(api=opened.api, server=opened.server, seen=_fitting(config, cluster, opened.api))
        return
    found = kubeconfig.read(document, f"the kubeconfig for {cluster.name}")
    api = client.connect(cluster.name, found, deadline=deadline)
    try:
        yield Reached(api=api, server=found.server, seen=_fitting(config, cluster, api), document=document)
    finally:
        api.close()


def _fitting(config: Config, cluster: Cluster, api: ClusterApi) -> survey.Seen:
    seen = survey.look(api)
    every = {each.name: status.declared(config, each) for each in config.clusters.values()}
    every[cluster.name] = status.declared(config, cluster, seen.ranges)
    clashes = [each for each in ranges.clashes(every, status.groups(config)) if cluster.name in each.clusters]
    if clashes:
        raise McciError("\n".join(f"{each.message} {each.help}" for each in clashes))
    return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A kubeconfig's way to its place: `text` is what the file is to hold, `changed` whether it does not yet."""

    place: Place
    text: str = field(repr=False)
    changed: bool


def prepared(own: Document, place: Place, *, replace: bool) -> Written:
    """Return what is to be written; nothing is. Raises `UsageError` where it would overwrite another's."""
    existing = private_files.read(place.path)
    text = kubeconfigs.merged(own, existing, place, replace=replace)
    return Written(
        place=place, text=text, changed=text != existing or not private_files.is_private(place.path)
    )  # fmt: skip


def write(own: Document, place: Place, *, replace: bool) -> bool:
    """Bring a kubeconfig to its place, and return whether that changed something."""
    with private_files.locked(place.path):
        ready = prepared(own, place, replace=replace)
        if ready.changed:
            private_files.write(place.path, ready.text)
    return ready.changed


def existing(place: Place, name: str) -> Document | None:
    """Return the cluster's kubeconfig that is at its place already, narrowed to it; None where there is none."""
    text = private_files.read(place.path)
    if not text.strip():
        return None
    try:
        document = kubeconfig.parse(text, str(place.path))
        return kubeconfig.select(document, name if place.shared else "", str(place.path), place.path.parent)
    except UsageError:
        return None
