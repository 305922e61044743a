"""What the API server fills in, so that what is read back is what a real cluster would show. Pure; edits in place.

Source: https://kubernetes.io/docs/reference/kubernetes-api/ (the defaults that each field's description names)
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]


def fill(kind: str, body: Object) -> None:
    """Fill in the defaults of a kind."""
    if kind in FILLERS:
        FILLERS[kind](body)
    if kind in STATUSES:
        _set(body, status=dict(STATUSES[kind]))


def _set(body: Object, **values: Any) -> None:
    for key, value in values.items():
        if body.get(key) is None:
            body[key] = value


def _deployment(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    strategy = spec["strategy"]
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
    _template(spec)


def _replica_set(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, replicas=1)
    _template(spec)


def _stateful_set(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", updateStrategy={})
    _set(spec["updateStrategy"], type="RollingUpdate")
    _template(spec)


def _daemon_set(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, revisionHistoryLimit=10, updateStrategy={})
    _set(spec["updateStrategy"], type="RollingUpdate")
    _template(spec)


def _job(body: Object) -> None:
    _job_spec(body.setdefault("spec", {}))


def _job_spec(spec: Object) -> None:
    _set(spec, backoffLimit=6, completionMode="NonIndexed", suspend=False, podReplacementPolicy="TerminatingOrFailed")
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _set(spec, parallelism=1)
    _template(spec)


def _cron_job(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    template = spec.get("jobTemplate")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        _template(template["spec"])


def _template(spec: Object) -> None:
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        _pod_spec(template["spec"])


def _pod(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _pod_spec(spec)
    _set(
        spec, enableServiceLinks=True, serviceAccountName="default", priority=0, preemptionPolicy="PreemptLowerPriority"
    )
    _set(spec, serviceAccount=spec["serviceAccountName"])
    _set(body, status={"phase": "Pending"})


def _pod_spec(spec: Object) -> None:
    _set(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30,
        securityContext={},
    )
    if spec.get("serviceAccountName"):
        _set(spec, serviceAccount=spec["serviceAccountName"])
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)


def _container(container: Object) -> None:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    _set(
        container,
        imagePullPolicy="Always" if latest else "IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    limits = container["resources"].get("limits")
    if limits:
        _set(container["resources"], requests={})
        _set(container["resources"]["requests"], **limits)
    for port in container.get("ports") or ():
        _set(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _set(container[name], timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _handler(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            _handler(hook)
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            _set(reference, apiVersion="v1")


def _handler(handler: Object) -> None:
    if handler.get("httpGet"):
        _set(handler["httpGet"], path="/", scheme="HTTP")
    if handler.get("grpc"):
        _set(handler["grpc"], service="")


def _volume(volume: Object) -> None:
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(source), dict):
            _set(volume[source], defaultMode=0o644)
    if not set(volume) - {"name"}:
        volume["emptyDir"] = {}


def _service(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        _set(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _set(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _set(spec, allocateLoadBalancerNodePorts=True)
    for port in spec.get("ports") or ():
        _set(port, protocol="TCP", targetPort=port.get("port"))
    _set(body, status={"loadBalancer": {}})


def _autoscaler(body: Object) -> None:
    _set(body.setdefault("spec", {}), minReplicas=1)


def _network_policy(body: Object) -> None:
    spec = body.setdefault("spec", {})
    _set(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            _set(port, protocol="TCP")


def _secret(body: Object) -> None:
    _set(body, type="Opaque")
    texts = body.pop("stringData", None)
    if texts:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in texts.items()}
        body["data"] = {**(body.get("data") or {}), **encoded}


def _namespace(body: Object) -> None:
    _set(body, spec={})
    _set(body["spec"], finalizers=["kubernetes"])
    _set(body, status={"phase": "Active"})
    labels = body["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = body["metadata"].get("name", "")


def _binding(body: Object) -> None:
    group = "rbac.authorization.k8s.io"
    if isinstance(body.get("roleRef"), dict):
        _set(body["roleRef"], apiGroup=group)
    for subject in body.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            _set(subject, apiGroup=group)


def _ports(body: Object) -> None:
    for subset in body.get("subsets") or ():
        for port in subset.get("ports") or ():
            _set(port, protocol="TCP")


def _definition(body: Object) -> None:
    names = body.setdefault("spec", {}).setdefault("names", {})
    if names.get("kind"):
        _set(names, singular=names["kind"].lower(), listKind=names["kind"] + "List")
    accepted = [{"type": kind, "status": "True", "reason": "NoConflicts"} for kind in ("NamesAccepted", "Established")]
    _set(body, status={"conditions": accepted, "acceptedNames": names})


# The status of an object that no controller has seen yet.
STATUSES: dict[str, Object] = {
    "Deployment": {},
    "Job": {},
    "CronJob": {},
    "ReplicaSet": {"replicas": 0},
    "StatefulSet": {"replicas": 0},
    "DaemonSet": {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
    "HorizontalPodAutoscaler": {"desiredReplicas": 0},
    "PodDisruptionBudget": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    "Ingress": {"loadBalancer": {}},
    "PersistentVolumeClaim": {"phase": "Pending"},
}
_ZERO_TEMPLATE: Object = {"metadata": {}, "spec": {"containers": []}}
# What Go's types have before anything is set: the structures in these are there, so nobody comes to own them.
ZEROS: dict[str, Object] = {
    "Deployment": {"spec": {"strategy": {}, "template": _ZERO_TEMPLATE}},
    "ReplicaSet": {"spec": {"template": _ZERO_TEMPLATE}},
    "StatefulSet": {"spec": {"updateStrategy": {}, "template": _ZERO_TEMPLATE}},
    "DaemonSet": {"spec": {"updateStrategy": {}, "template": _ZERO_TEMPLATE}},
    "Job": {"spec": {"template": _ZERO_TEMPLATE}},
    "CronJob": {"spec": {"jobTemplate": {"metadata": {}, "spec": {"template": _ZERO_TEMPLATE}}}},
    "Pod": {"spec": {"containers": []}},
    "Service": {"spec": {}},
    "Namespace": {"spec": {}},
    "Lease": {"spec": {}},
    "HorizontalPodAutoscaler": {"spec": {"scaleTargetRef": {}}},
    "PodDisruptionBudget": {"spec": {}},
    "NetworkPolicy": {"spec": {"podSelector": {}}},
    "Ingress": {"spec": {}},
    "RoleBinding": {"roleRef": {}},
    "ClusterRoleBinding": {"roleRef": {}},
}
FILLERS: dict[str, Callable[[Object], None]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _pod,
    "Service": _service,
    "HorizontalPodAutoscaler": _autoscaler,
    "NetworkPolicy": _network_policy,
    "Secret": _secret,
    "Namespace": _namespace,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "Endpoints": _ports,
    "CustomResourceDefinition": _definition,
}
