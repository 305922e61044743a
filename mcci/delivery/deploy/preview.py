"""What a deploy would change on a cluster that is open, without changing it: rendered here, and tried on the server."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import VIRTUAL_SERVICE, Kind, NotAllowed
from mcci.delivery.deploy import diff
from mcci.delivery.deploy.model import Uninstall
from mcci.delivery.deploy.session import AT_ONCE
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.kubernetes.api import Object
    from mcci.delivery.deploy.cluster import ClusterDeploy
    from mcci.delivery.deploy.diff import Change

ISTIO = ("v1", "v1beta1", "v1alpha3")  # versions of networking.istio.io, the newest first
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")


class ServerRefuses(McciError):
    """The cluster would not take what a deploy would write."""


def changes(cluster: ClusterDeploy) -> list[Change]:
    """Return what a deploy to `cluster` would change, release by release. Raises `ChartRefused`."""
    session, live = cluster.session, cluster.live
    for release in live.deployed.values():
        session.masks.learn(release.config)
    kube_version, api_versions = _capabilities(cluster)
    last = {each.step.release: each for each in cluster.prepared()}  # of two upgrades the later is what stays

    def one(name: str) -> list[Change]:
        found = last[name]
        session.masks.learn(found.values)
        with session.slots:
            after = cluster.target.helm.template(
                name, found.chart, found.values, session.namespace,
                kube_version=kube_version, api_versions=api_versions,
            )  # fmt: skip
        before = live.deployed[name].manifest if name in live.deployed else ""
        return diff.changes(name, before, after, session.masks)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"preview {cluster.name}") as pool:
        found = [change for each in pool.map(one, last) for change in each]
    removed = [
        step.release
        for plan in cluster.plans
        for step in plan.steps
        if isinstance(step, Uninstall) and step.release in live.deployed
    ]
    for name in removed:
        found += diff.changes(name, live.deployed[name].manifest, "", session.masks)
    return found


def try_on_server(cluster: ClusterDeploy, found: Sequence[Change]) -> list[str]:
    """Have the server check what would be written, and write nothing; return what it could not be asked.

    Raises `ServerRefuses`, naming every object that it does not take.
    """
    session = cluster.session
    if cluster.is_new:
        return [f"the namespace '{session.namespace}' is not there yet, so the server checks nothing"]
    bodies = [each.body for each in found if each.body is not None and each.kind is not diff.Kind.HOOK]

    def one(body: Object) -> McciError | None:
        placed = {**body, "metadata": {**body["metadata"], "namespace": session.namespace}}
        try:
            cluster.target.api.apply(_kind(body), placed, force=True, dry_run=True)
        except McciError as error:
            return error
        return None

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"dry run {cluster.name}") as pool:
        errors = [error for error in pool.map(one, bodies) if error]
    refused = [error for error in errors if not isinstance(error, NotAllowed)]
    if refused:
        raise ServerRefuses("\n".join(session.masks(str(error)) for error in refused))
    return [f"not checked by the server: {error}" for error in errors]


def _capabilities(cluster: ClusterDeploy) -> tuple[str, list[str]]:
    """Return the version and the APIs of the cluster that the charts ask for."""
    found = _VERSION.match(cluster.target.api.version())
    for version in ISTIO:
        kind = Kind(group=VIRTUAL_SERVICE.group, version=version, kind="VirtualService", plural="virtualservices")
        if cluster.target.api.served(kind):
            return found[1] if found else "", [kind.api_version]
    return found[1] if found else "", []


def _kind(body: Object) -> Kind:
    group, _, version = str(body["apiVersion"]).rpartition("/")
    name = str(body["kind"])
    lower = name.lower()
    plural = (
        f"{lower[:-1]}ies" if re.search(r"[^aeiou]y$", lower) else f"{lower}es" if lower[-1] in "sx" else f"{lower}s"
    )
    return Kind(group=group, version=version, kind=name, plural=plural)
