"""The checks of one cluster, for one environment. Each asks as little as it can, and goes on where another failed."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcci.clients.kubernetes.api import DEPLOYMENT, DESTINATION_RULE, NAMESPACE, VIRTUAL_SERVICE, Kind, NotAllowed
from mcci.delivery.deploy import namespace as namespaces
from mcci.delivery.doctor.model import Result, failed, ok, skipped, warning
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.kubernetes.api import ClusterApi
    from mcci.clients.prometheus import Prometheus
    from mcci.clusters.permissions import Permission

SUPPORTED = (1, 25)  # the charts' objects are in their final versions from here on
SKEW_SEEN, SKEW_FAILS = 5.0, 60.0  # seconds
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A cluster to be checked, and what the commands want of it in one environment."""

    api: ClusterApi
    environment: str
    namespace: str
    application: str
    permissions: tuple[Permission, ...]
    routes: bool  # it holds the Istio objects
    mesh_namespace: str
    prometheus: Prometheus | None
    config_option: str  # how the configuration is named on a command line


def examine(subject: Subject) -> list[Result]:
    """Return what the checks of a cluster find, in their order. One that is not reached is asked nothing else."""
    try:
        found = [_reachable(subject)]
    except McciError as error:
        return [failed("reachable", str(error), cluster=subject.api.name)]
    for name, check in _CHECKS.items():
        try:
            found += check(subject)
        except McciError as error:
            found.append(failed(name, str(error)))
    return [replace(each, cluster=subject.api.name) for each in found]


def _reachable(subject: Subject) -> Result:
    version = subject.api.version()
    found = _VERSION.match(version)
    if found and (int(found[1]), int(found[2])) < SUPPORTED:
        least = ".".join(map(str, SUPPORTED))
        return warning("reachable", f"Kubernetes {version}", f"Kubernetes before {least} is not tried. Upgrade it.")
    return ok("reachable", f"Kubernetes {version}")


def _clock(subject: Subject) -> Iterator[Result]:
    skew = subject.api.skew()
    if skew is None:
        yield skipped("clock", "the server does not tell its time")
        return
    words = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine"
    advice = "Have both keep time by NTP: tokens expire, and a canary's times are read, by these clocks."
    if abs(skew) >= SKEW_FAILS:
        yield failed("clock", words, advice)
    elif abs(skew) >= SKEW_SEEN:
        yield warning("clock", words, advice)
    else:
        yield ok("clock", "agrees with this machine's")


def _namespace(subject: Subject) -> Iterator[Result]:
    name = subject.namespace
    try:
        found = namespaces.find(subject.api, name, subject.application)
    except NotAllowed:
        advice = f"Apply what `mcci doctor --rbac{subject.config_option}` prints, as an administrator."
        yield failed("namespace", f"'{name}' may not be looked at", advice)
        return
    if found:
        yield ok("namespace", f"'{name}' is {subject.application}'s")
    elif subject.api.allowed("create", NAMESPACE):
        yield ok("namespace", f"'{name}' is not there; the first deploy makes it")
    else:
        advice = f"Apply what `mcci doctor --rbac{subject.config_option}` prints, as an administrator: it holds it."
        yield failed("namespace", f"'{name}' is not there, and may not be made", advice)


def _permissions(subject: Subject) -> Iterator[Result]:
    def lacks(each: Permission) -> bool:
        place, name = (subject.namespace, "") if each.kind.namespaced else ("", subject.namespace)
        return not subject.api.allowed(each.verb, each.kind, place, subresource=each.subresource, name=name)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"rights {subject.api.name}") as pool:
        answers = list(pool.map(lacks, subject.permissions))
    missing = [each for each, lacking in zip(subject.permissions, answers, strict=True) if lacking]
    if not missing:
        yield ok("permissions", f"all {len(subject.permissions)} rights that the commands need")
        return
    words = ", ".join(str(each) for each in missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    why = "; ".join(dict.fromkeys(each.why for each in missing[:8]))
    advice = f"Needed to: {why}. Apply what `mcci doctor --rbac{subject.config_option}` prints, as an administrator."
    yield failed("permissions", f"may not {words}", advice)


def _istio(subject: Subject) -> Iterator[Result]:
    if not subject.routes:
        yield skipped("istio", "the Istio objects are in another cluster")
        return
    missing = [kind.kind for kind in (VIRTUAL_SERVICE, DESTINATION_RULE) if not _served(subject.api, kind)]
    if missing:
        advice = "Install Istio, or its CRDs in a config cluster of a mesh whose control plane is elsewhere."
        yield failed("istio", f"does not serve {' and '.join(missing)}", advice)
    else:
        yield ok("istio", "serves VirtualService and DestinationRule")


def _served(api: ClusterApi, kind: Kind) -> bool:
    """Whether a kind is served, in the version of Istio 1.22 and later or in the one before."""
    return api.served(kind) or api.served(replace(kind, version="v1beta1"))


def _istio_version(subject: Subject) -> Iterator[Result]:
    if not subject.routes:
        return
    try:
        pilots = subject.api.list(DEPLOYMENT, subject.mesh_namespace, labels="app=istiod")
    except NotAllowed:
        yield skipped("istio version", f"Deployments in '{subject.mesh_namespace}' may not be listed")
        return
    images = [
        container.get("image", "")
        for each in pilots
        for container in each["spec"]["template"]["spec"].get("containers") or []
        if container.get("name") == "discovery"
    ]
    if not images:
        yield skipped("istio version", f"no istiod in '{subject.mesh_namespace}': its control plane is elsewhere")
        return
    yield ok("istio version", ", ".join(sorted({image.rpartition(":")[2] for image in images})))


def _prometheus(subject: Subject) -> Iterator[Result]:
    if subject.prometheus is None:
        if subject.routes:
            yield skipped("prometheus", "mcci.yml names none: canaries are not judged")
        return
    found = subject.prometheus.number("count(istio_requests_total)", at=time.time())
    if found:
        yield ok("prometheus", f"has Istio's metrics ({found:.0f} series)")
    else:
        advice = "Have it scrape the proxies; until there is traffic this is as it should be."
        yield warning("prometheus", "answers, and has no istio_requests_total", advice)


_CHECKS = {
    "clock": _clock,
    "namespace": _namespace,
    "permissions": _permissions,
    "istio": _istio,
    "istio version": _istio_version,
    "prometheus": _prometheus,
}
