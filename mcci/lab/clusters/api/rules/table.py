"""The rules by kind, in one table, and how they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.rules import metadata, networks, others, pods, workloads
from mcci.lab.clusters.status import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.lab.clusters.api.rules.findings import Finding
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]

RULES: dict[str, Callable[[Object, Object | None], Iterator[Finding]]] = {
    "Deployment": workloads.workload,
    "ReplicaSet": workloads.workload,
    "StatefulSet": workloads.workload,
    "DaemonSet": workloads.workload,
    "Job": workloads.job,
    "Pod": pods.pod,
    "Service": networks.service,
    "NetworkPolicy": networks.network_policy,
    "ConfigMap": others.data,
    "Secret": others.data,
    "Role": others.role,
    "ClusterRole": others.role,
    "RoleBinding": others.binding,
    "ClusterRoleBinding": others.binding,
    "HorizontalPodAutoscaler": workloads.autoscaler,
    "PodDisruptionBudget": workloads.disruption_budget,
    "Lease": others.lease,
    "Event": others.event,
}


def check(resource: Resource, body: Object, current: Object | None, missing: list[Object]) -> None:
    """Raise ApiError 422, with a cause for each rule that the body breaks, after those for what it lacks."""
    findings = list(metadata.check(resource, body))
    if resource.kind in RULES and not resource.custom:
        findings += RULES[resource.kind](body, current)
    found = [{"reason": reason, "message": text, "field": field} for reason, field, text in findings]
    known = {cause["field"] for cause in missing}
    causes = [*missing, *(cause for cause in found if cause["field"] not in known)]
    if causes:
        raise invalid(resource.kind, resource.group, body["metadata"].get("name", ""), causes)
