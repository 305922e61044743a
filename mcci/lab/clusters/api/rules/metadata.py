"""Names, labels, annotations, finalizers: the same for every kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.rules.findings import LABEL, LABEL_1035, SUBDOMAIN, invalid, name, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.api.rules.findings import Finding
    from mcci.lab.clusters.resources import Resource

Object = dict[str, Any]
PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
# Kinds whose names are narrower than a subdomain, and those whose names may be almost anything.
PATTERNS = {"Namespace": LABEL, "Service": LABEL_1035}
FREE = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
OWN_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
OWN_LABEL = "kubernetes.io/metadata.name"  # the server's: where it is bad, the name is


def check(resource: Resource, body: Object) -> Iterator[Finding]:
    """Check an object's metadata."""
    metadata = body["metadata"]
    given = metadata.get("name")
    if not given:
        yield required("metadata.name", "name or generateName is required")
    elif resource.kind not in FREE or resource.custom:
        pattern = SUBDOMAIN if resource.custom else PATTERNS.get(resource.kind, SUBDOMAIN)
        yield from name("metadata.name", given, pattern, 253 if pattern is SUBDOMAIN else 63)
    yield from labels(metadata.get("labels"), "metadata.labels")
    for key in metadata.get("annotations") or {}:
        yield from _key(key, "metadata.annotations")
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        if "/" not in finalizer and finalizer not in OWN_FINALIZERS:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"metadata.finalizers[{index}]", finalizer, why)


def labels(given: dict[str, str] | None, field: str) -> Iterator[Finding]:
    """Check keys and values of labels."""
    for key, value in (given or {}).items():
        yield from _key(key, field)
        if key != OWN_LABEL and value and (not PART.fullmatch(value) or len(value) > 63):
            why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
            yield invalid(field, value, f"{why}must start and end with an alphanumeric character, at most 63 of them")


def _key(key: str, field: str) -> Iterator[Finding]:
    prefix, slash, own = key.rpartition("/")
    if not PART.fullmatch(own) or len(own) > 63:
        why = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        yield invalid(field, key, f"{why}alphanumeric character, at most 63 of them")
    if slash and not SUBDOMAIN.fullmatch(prefix):
        yield invalid(field, key, "prefix part must be a lowercase RFC 1123 subdomain")
