"""The rules of built-in kinds that no schema says: what must be there, what must fit, what never changes. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
Finding = tuple[str, str, str]  # reason, field, message

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
# Kinds whose name becomes part of a DNS name, or a label's value; RBAC's names may be almost anything.
SHORT_NAMES = ("Namespace", "Service")
FREE_NAMES = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def check(resource: Resource, body: Object, current: Object | None, missing: list[Object]) -> None:
    """Raise ApiError 422, with a cause for each rule that the body breaks, after those for what it lacks."""
    findings = [*_metadata(resource, body)]
    if resource.kind in KINDS and not resource.custom:
        findings += KINDS[resource.kind](body, current)
    found = [{"reason": reason, "message": text, "field": field} for reason, field, text in findings]
    known = {cause["field"] for cause in missing}
    causes = [*missing, *(cause for cause in found if cause["field"] not in known)]
    if causes:
        raise invalid(resource.kind, resource.group, body["metadata"].get("name", ""), causes)


def _metadata(resource: Resource, body: Object) -> Iterator[Finding]:
    name = body["metadata"].get("name")
    if not name:
        yield _required("metadata.name", "name or generateName is required")
    elif resource.kind in SHORT_NAMES and (not LABEL.fullmatch(name) or len(name) > 63):
        yield _bad(
            "metadata.name", name, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters"
        )
    elif resource.kind not in FREE_NAMES and (not SUBDOMAIN.fullmatch(name) or len(name) > 253):
        yield _bad("metadata.name", name, "a lowercase RFC 1123 subdomain must consist of lower case alphanumerics")
    for key, value in (body["metadata"].get("labels") or {}).items():
        if not LABEL_VALUE.fullmatch(value) or len(value) > 63:
            yield _bad(
                "metadata.labels", value, f"the value of label {key} must be at most 63 characters of [-A-Za-z0-9_.]"
            )


def _workload(body: Object, current: Object | None) -> Iterator[Finding]:
    spec = body["spec"]
    template = spec.get("template") or {}
    selector = spec.get("selector") or {}
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield _required("spec.selector", "")
    labels = (template.get("metadata") or {}).get("labels") or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        yield _bad("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    if spec.get("replicas", 0) < 0:
        yield _bad("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    yield from _fixed(body, current, "selector")
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec", restart=("Always",))


def _job(body: Object, current: Object | None) -> Iterator[Finding]:
    yield from _fixed(body, current, "selector", "template", "completions", "completionMode")
    pod = (body["spec"].get("template") or {}).get("spec") or {}
    yield from _pod_spec(pod, "spec.template.spec", restart=("OnFailure", "Never"))


def _pod(body: Object, current: Object | None) -> Iterator[Finding]:
    yield from _pod_spec(body["spec"], "spec", restart=("Always", "OnFailure", "Never"))
    if current is not None and current["spec"].get("nodeName"):
        yield from _fixed(body, current, "nodeName")


def _pod_spec(spec: Object, path: str, *, restart: tuple[str, ...]) -> Iterator[Finding]:
    if not spec.get("containers"):
        yield _required(f"{path}.containers", "")
    if spec.get("restartPolicy") and spec["restartPolicy"] not in restart:
        yield _unsupported(f"{path}.restartPolicy", spec["restartPolicy"], restart)
    names: set[str] = set()
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            yield from _container(container, f"{path}.{kind}[{index}]", names)
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            for at, mount in enumerate(container.get("volumeMounts") or ()):
                if mount.get("name") not in volumes:
                    place = f"{path}.{kind}[{index}].volumeMounts[{at}].name"
                    yield "FieldValueNotFound", place, f'Not found: "{mount.get("name")}"'


def _container(container: Object, path: str, names: set[str]) -> Iterator[Finding]:
    name = container.get("name", "")
    if not container.get("image"):
        yield _required(f"{path}.image", "")
    if not LABEL.fullmatch(name):
        yield _bad(f"{path}.name", name, "a lowercase RFC 1123 label is needed")
    if name in names:
        yield "FieldValueDuplicate", f"{path}.name", f'Duplicate value: "{name}"'
    names.add(name)
    for index, port in enumerate(container.get("ports") or ()):
        if not 0 < port.get("containerPort", 0) < 65536:
            text = "must be between 1 and 65535, inclusive"
            yield _bad(f"{path}.ports[{index}].containerPort", port.get("containerPort"), text)


def _service(body: Object, current: Object | None) -> Iterator[Finding]:
    spec = body["spec"]
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in kinds:
        yield _unsupported("spec.type", spec["type"], kinds)
    ports = spec.get("ports") or []
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield _required("spec.ports", "")
    for index, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            yield _required(f"spec.ports[{index}].name", "")
        if not 0 < port.get("port", 0) < 65536:
            yield _bad(f"spec.ports[{index}].port", port.get("port"), "must be between 1 and 65535, inclusive")
    before = (current or {}).get("spec", {})
    if before.get("clusterIP") and "ExternalName" not in (spec["type"], before["type"]):
        yield from _fixed(body, current, "clusterIP")


def _data(body: Object, current: Object | None) -> Iterator[Finding]:
    for part in ("data", "binaryData"):
        for key in body.get(part) or {}:
            if not DATA_KEY.fullmatch(key):
                yield _bad(f"{part}[{key}]", key, "a valid config key must consist of alphanumerics, '-', '_' or '.'")
    if current is None:
        return
    if current.get("type") and body.get("type") != current["type"]:
        yield _immutable("type", body.get("type"))
    if current.get("immutable"):
        for part in ("data", "binaryData"):
            if body.get(part) != current.get(part):
                yield "FieldValueForbidden", part, "Forbidden: field is immutable when `immutable` is set"


def _binding(body: Object, current: Object | None) -> Iterator[Finding]:
    if current is not None and body.get("roleRef") != current.get("roleRef"):
        yield "FieldValueInvalid", "roleRef", f"Invalid value: {_json(body.get('roleRef'))}: cannot change roleRef"


def _autoscaler(body: Object, _: Object | None) -> Iterator[Finding]:
    spec = body["spec"]
    if spec.get("maxReplicas", 0) < 1:
        yield _bad("spec.maxReplicas", spec.get("maxReplicas", 0), "must be greater than 0")
    if spec.get("maxReplicas", 0) < spec.get("minReplicas", 1):
        yield _bad("spec.maxReplicas", spec.get("maxReplicas", 0), "must be greater than or equal to `minReplicas`")


def _disruption_budget(body: Object, _: Object | None) -> Iterator[Finding]:
    if {"minAvailable", "maxUnavailable"} <= set(body.get("spec", {})):
        yield _bad("spec", "", "minAvailable and maxUnavailable cannot be both set")


def _lease(body: Object, _: Object | None) -> Iterator[Finding]:
    spec = body.get("spec") or {}
    for name in ("leaseDurationSeconds", "leaseTransitions"):
        if name in spec and spec[name] < (1 if name == "leaseDurationSeconds" else 0):
            yield _bad(f"spec.{name}", spec[name], "must be greater than 0")


def _fixed(body: Object, current: Object | None, *names: str) -> Iterator[Finding]:
    if current is not None:
        for name in names:
            if body["spec"].get(name) != current["spec"].get(name):
                yield _immutable(f"spec.{name}", body["spec"].get(name))


def _immutable(field: str, value: Any) -> Finding:
    return _bad(field, value, "field is immutable")


def _bad(field: str, value: Any, why: str) -> Finding:
    return "FieldValueInvalid", field, f"Invalid value: {_json(value)}: {why}"


def _required(field: str, why: str) -> Finding:
    return "FieldValueRequired", field, f"Required value: {why}" if why else "Required value"


def _unsupported(field: str, value: Any, known: tuple[str, ...]) -> Finding:
    values = ", ".join(map(_json, known))
    return "FieldValueNotSupported", field, f"Unsupported value: {_json(value)}: supported values: {values}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


KINDS: dict[str, Callable[[Object, Object | None], Iterator[Finding]]] = {
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "Job": _job,
    "Pod": _pod,
    "Service": _service,
    "ConfigMap": _data,
    "Secret": _data,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "HorizontalPodAutoscaler": _autoscaler,
    "PodDisruptionBudget": _disruption_budget,
    "Lease": _lease,
}
