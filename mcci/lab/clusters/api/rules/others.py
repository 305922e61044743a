"""Configuration, rights, leases and events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.rules.findings import at_least, forbidden, invalid, one_of, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.api.rules.findings import Finding

Object = dict[str, Any]
KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
# The keys without which a Secret of a type is of no use.
SECRET_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def data(body: Object, current: Object | None) -> Iterator[Finding]:
    """Check a ConfigMap or a Secret."""
    for part in ("data", "binaryData"):
        for key in body.get(part) or {}:
            if not KEY.fullmatch(key):
                why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
                yield invalid(f"{part}[{key}]", key, f"{why} (regex used for validation is '[-._a-zA-Z0-9]+')")
    if body["kind"] == "Secret":
        for key in SECRET_KEYS.get(body.get("type", ""), ()):
            if key not in (body.get("data") or {}):
                yield required(f"data[{key}]")
    if current is None:
        return
    if current.get("type") and body.get("type") != current["type"]:
        yield invalid("type", body.get("type"), "field is immutable")
    if current.get("immutable"):
        if not body.get("immutable"):
            yield forbidden("immutable", "field is immutable when `immutable` is set")
        for part in ("data", "binaryData"):
            if body.get(part) != current.get(part):
                yield forbidden(part, "field is immutable when `immutable` is set")


def role(body: Object, _: Object | None) -> Iterator[Finding]:
    """Check a Role or a ClusterRole."""
    for index, rule in enumerate(body.get("rules") or ()):
        path = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{path}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            if body["kind"] == "Role":
                yield invalid(
                    f"{path}.nonResourceURLs", rule["nonResourceURLs"], "namespaced rules cannot apply to them"
                )
            continue
        if not rule.get("apiGroups"):
            yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{path}.resources", "resource rules must supply at least one resource")


def binding(body: Object, current: Object | None) -> Iterator[Finding]:
    """Check a RoleBinding or a ClusterRoleBinding."""
    reference = body.get("roleRef") or {}
    known = ("ClusterRole",) if body["kind"] == "ClusterRoleBinding" else ("ClusterRole", "Role")
    yield from one_of("roleRef.kind", reference.get("kind"), known)
    for index, subject in enumerate(body.get("subjects") or ()):
        if not subject.get("name"):
            yield required(f"subjects[{index}].name")
        yield from one_of(f"subjects[{index}].kind", subject.get("kind"), ("Group", "ServiceAccount", "User"))
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"subjects[{index}].namespace")
    if current is not None and reference != current.get("roleRef"):
        yield invalid("roleRef", reference, "cannot change roleRef")


def lease(body: Object, _: Object | None) -> Iterator[Finding]:
    """Check a Lease."""
    spec = body.get("spec") or {}
    yield from at_least("spec.leaseDurationSeconds", spec.get("leaseDurationSeconds"), 1)
    yield from at_least("spec.leaseTransitions", spec.get("leaseTransitions"), 0)


def event(body: Object, _: Object | None) -> Iterator[Finding]:
    """Check an Event: it is where its object is; one of an object without a namespace is in `default`."""
    about = (body.get("involvedObject") or {}).get("namespace", "")
    if body["metadata"]["namespace"] != (about or "default"):
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
