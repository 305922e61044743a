"""Label and field selectors.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]

_SET = re.compile(r"^\s*(?P<key>[\w./-]+)\s+(?P<operator>in|notin)\s*\(\s*(?P<values>[^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*(?P<key>[\w./-]+)\s*(?P<operator>==|!=|=)\s*(?P<values>[\w.-]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<operator>!?)\s*(?P<key>[\w./-]+)\s*$")
_COMMA = re.compile(r",(?![^(]*\))")
_FIELD = re.compile(r"^\s*(?P<key>[\w.]+)\s*(?P<operator>==|!=|=)\s*(?P<value>.*?)\s*$")


# The fields that a kind can be selected by, beside its name and namespace.
FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
    "Secret": ("type",),
}


def selects(kind: str, labels: str, fields: str) -> Callable[[Object], bool]:
    """Return the test that both selectors together are, for objects of a kind.

    Raises ApiError 400 for one that cannot be read, and for a field that the kind is not selected by.
    """
    tests = [_label_test(part) for part in _COMMA.split(labels) if part.strip()]
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(kind, ()))
    tests += [_field_test(part, known) for part in fields.split(",") if part.strip()]
    return lambda body: all(test(body) for test in tests)


def _label_test(text: str) -> Callable[[Object], bool]:
    for pattern in (_SET, _EQUAL):
        if match := pattern.match(text):
            key, operator = match["key"], match["operator"]
            values = {value.strip() for value in match["values"].split(",")}
            wanted = operator in ("in", "=", "==")
            # An object without the label passes != and notin.
            return lambda body: (_labels(body).get(key) in values) is wanted
    if match := _EXISTS.match(text):
        key, absent = match["key"], bool(match["operator"])
        return lambda body: (key in _labels(body)) is not absent
    raise bad_request(f"unable to parse requirement: {text!r}")


def _field_test(text: str, known: tuple[str, ...]) -> Callable[[Object], bool]:
    match = _FIELD.match(text)
    if match is None:
        raise bad_request(f"invalid field selector: {text!r}")
    if match["key"] not in known:
        raise bad_request(f"field label not supported: {match['key']}")
    path, wanted, value = match["key"].split("."), match["operator"] != "!=", match["value"]
    return lambda body: (_field(body, path) == value) is wanted


def _labels(body: Object) -> dict[str, str]:
    labels: dict[str, str] = body["metadata"].get("labels") or {}
    return labels


def _field(body: Any, path: list[str]) -> str:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    if isinstance(body, bool):
        return str(body).lower()
    return "" if body is None else str(body)
