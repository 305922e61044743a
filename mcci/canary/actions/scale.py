"""Scales a version up before it gets traffic that its pods cannot carry yet, where a person asks for it.

Where an autoscaler is in charge its minimum is raised, else the Deployment's replicas; the next deployment sets both as
the values say. The role of a project without autoscalers gives no right to see any: then none is in charge.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from mcci.canary import guards
from mcci.canary.clusters.site import each, raise_first
from mcci.clients.kubernetes.api import AUTOSCALER, DEPLOYMENT, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.canary.clusters.session import Session
    from mcci.clients.kubernetes.api import ClusterApi, Object

PATIENCE = 180.0  # seconds until the new pods must be ready
PAUSE = 1.0


def scale_for(session: Session, target: Mapping[str, int], replicas: int) -> tuple[str, ...]:
    """Give every version of `target` the pods for its share of `replicas`, wait for them, and say what was done.

    The pods are spread over the clusters that run the version. Pods that do not get ready in time are left to the
    guard that asked for them. Raises what the clusters raise.
    """
    site, said = session.site, []
    ready = session.survey.ready()
    for version, weight in target.items():
        missing = guards.needs(weight, replicas) - ready[version]
        if missing > 0:
            said += _raise(session, version, missing)
    begun = site.clock.elapsed()
    while said and guards.carries(session.survey, target, replicas):
        session.held.check()
        if site.clock.elapsed() - begun >= PATIENCE:
            break
        site.clock.sleep(PAUSE)
        session.again()
    return tuple(said)


def _raise(session: Session, version: str, missing: int) -> list[str]:
    site = session.site
    apis = {**site.config, **site.others}
    labels = f"app={site.service},version={version}"
    found, failed = each(apis, lambda _, api: api.list(DEPLOYMENT, site.namespace, labels=labels), site.at_once)
    raise_first(failed, "reading from")
    runs = {name: objects[0] for name, objects in found.items() if objects}
    said = []
    for name, deployment in runs.items():
        wanted = int(deployment["spec"].get("replicas") or 0) + ceil(missing / len(runs))
        session.held.check()
        _set(apis[name], deployment, site.namespace, wanted)
        said.append(f"{name}: scaled {version} to {wanted} pods")
        site.log(said[-1])
    return said


def _set(api: ClusterApi, deployment: Object, namespace: str, wanted: int) -> None:
    name = deployment["metadata"]["name"]
    autoscalers = [each for each in _autoscalers(api, namespace) if _target(each) == name]
    if not autoscalers:
        api.merge(DEPLOYMENT, name, namespace, {"spec": {"replicas": wanted}})
    for found in autoscalers:
        most = max(wanted, int(found["spec"].get("maxReplicas") or wanted))
        patch = {"spec": {"minReplicas": wanted, "maxReplicas": most}}
        api.merge(AUTOSCALER, found["metadata"]["name"], namespace, patch)


def _autoscalers(api: ClusterApi, namespace: str) -> list[Object]:
    try:
        return api.list(AUTOSCALER, namespace)
    except NotAllowed:
        return []


def _target(autoscaler: Object) -> str:
    return str((autoscaler.get("spec") or {}).get("scaleTargetRef", {}).get("name", ""))
