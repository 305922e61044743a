"""What makes pods: Deployments, Jobs and their like, and what goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.admission import CONTROLLER_UID
from mcci.lab.clusters.api.rules import metadata, pods
from mcci.lab.clusters.api.rules.findings import at_least, fixed, forbidden, invalid, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.api.rules.findings import Finding

Object = dict[str, Any]


def workload(body: Object, current: Object | None) -> Iterator[Finding]:
    """Check a Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    spec = body["spec"]
    template = spec.get("template") or {}
    own = (template.get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector")
    if selector is not None:
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield invalid("spec.selector", selector, f"empty selector is invalid for {body['kind'].lower()}")
        if any(own.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
            yield invalid("spec.template.metadata.labels", own, "`selector` does not match template `labels`")
    yield from metadata.labels(own, "spec.template.metadata.labels")
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        yield from at_least(f"spec.{field}", spec.get(field), 0)
    if body["kind"] == "Deployment":
        yield from _progress(spec)
        yield from _strategy(spec.get("strategy") or {})
    yield from fixed(body, current, "selector")
    yield from pods.spec(template.get("spec") or {}, "spec.template.spec", restart=("Always",))


def _progress(spec: Object) -> Iterator[Finding]:
    deadline = spec.get("progressDeadlineSeconds")
    yield from at_least("spec.progressDeadlineSeconds", deadline, 0)
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        yield invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _strategy(strategy: Object) -> Iterator[Finding]:
    path = "spec.strategy"
    yield from one_of(path, strategy.get("type"), ("Recreate", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        yield forbidden(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    elif rolling and {rolling.get("maxSurge"), rolling.get("maxUnavailable")} <= {0, "0%"}:
        why = "may not be 0 when `maxSurge` is 0"
        yield invalid(f"{path}.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"), why)


def job(body: Object, current: Object | None) -> Iterator[Finding]:
    """Check a Job."""
    spec = body["spec"]
    for field in ("completions", "parallelism", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        yield from at_least(f"spec.{field}", spec.get(field), 0)
    own = (spec.get("selector") or {}).get("matchLabels") or {}
    if not spec.get("manualSelector") and own != {CONTROLLER_UID: body["metadata"].get("uid")}:
        yield invalid("spec.selector", spec.get("selector"), "`selector` not auto-generated")
    yield from fixed(body, current, "selector", "template", "completions", "completionMode")
    pod = (spec.get("template") or {}).get("spec") or {}
    yield from pods.spec(pod, "spec.template.spec", restart=("OnFailure", "Never"))


def autoscaler(body: Object, _: Object | None) -> Iterator[Finding]:
    """Check a HorizontalPodAutoscaler."""
    spec = body["spec"]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    yield from at_least("spec.minReplicas", least, 1)
    yield from at_least("spec.maxReplicas", most, 1)
    if most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")


def disruption_budget(body: Object, _: Object | None) -> Iterator[Finding]:
    """Check a PodDisruptionBudget."""
    if {"minAvailable", "maxUnavailable"} <= set(body.get("spec") or {}):
        yield invalid("spec", body["spec"], "minAvailable and maxUnavailable cannot be both set")
