"""Bodies in Kubernetes' protobuf envelope, which Go clients send for built-in kinds and do not retry as JSON.

Only what helm and kubectl write through their typed clients; replies are JSON, which every client takes.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding and the `generated.proto` files
of k8s.io/api, for the numbers of fields.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.status import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
MAGIC = b"k8s\x00"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message: its JSON name, and what its value is. `message` names one of MESSAGES."""

    name: str
    kind: str = "string"  # string, bytes, int, bool, time, microtime, json, message, map, bytes-map
    many: bool = False
    message: str = ""


def _message(name: str, message: str, *, many: bool = False) -> Field:
    return Field(name, "message", many, message)


_META = _message("metadata", "ObjectMeta")

MESSAGES: dict[str, dict[int, Field]] = {
    "ObjectMeta": {
        1: Field("name"),
        2: Field("generateName"),
        3: Field("namespace"),
        5: Field("uid"),
        6: Field("resourceVersion"),
        7: Field("generation", "int"),
        8: Field("creationTimestamp", "time"),
        9: Field("deletionTimestamp", "time"),
        10: Field("deletionGracePeriodSeconds", "int"),
        11: Field("labels", "map"),
        12: Field("annotations", "map"),
        13: _message("ownerReferences", "OwnerReference", many=True),
        14: Field("finalizers", many=True),
        17: _message("managedFields", "ManagedFieldsEntry", many=True),
    },
    "OwnerReference": {
        1: Field("kind"),
        3: Field("name"),
        4: Field("uid"),
        5: Field("apiVersion"),
        6: Field("controller", "bool"),
        7: Field("blockOwnerDeletion", "bool"),
    },
    "ManagedFieldsEntry": {
        1: Field("manager"),
        2: Field("operation"),
        3: Field("apiVersion"),
        4: Field("time", "time"),
        6: Field("fieldsType"),
        7: Field("fieldsV1", "json"),
        8: Field("subresource"),
    },
    "Secret": {
        1: _META,
        2: Field("data", "bytes-map"),
        3: Field("type"),
        4: Field("stringData", "map"),
        5: Field("immutable", "bool"),
    },
    "ConfigMap": {
        1: _META,
        2: Field("data", "map"),
        3: Field("binaryData", "bytes-map"),
        4: Field("immutable", "bool"),
    },
    "Namespace": {1: _META, 2: _message("spec", "NamespaceSpec"), 3: _message("status", "NamespaceStatus")},
    "NamespaceSpec": {1: Field("finalizers", many=True)},
    "NamespaceStatus": {1: Field("phase")},
    "ServiceAccount": {
        1: _META,
        2: _message("secrets", "ObjectReference", many=True),
        3: _message("imagePullSecrets", "LocalObjectReference", many=True),
        4: Field("automountServiceAccountToken", "bool"),
    },
    "ObjectReference": {
        1: Field("kind"),
        2: Field("namespace"),
        3: Field("name"),
        4: Field("uid"),
        5: Field("apiVersion"),
        6: Field("resourceVersion"),
        7: Field("fieldPath"),
    },
    "LocalObjectReference": {1: Field("name")},
    "Lease": {1: _META, 2: _message("spec", "LeaseSpec")},
    "LeaseSpec": {
        1: Field("holderIdentity"),
        2: Field("leaseDurationSeconds", "int"),
        3: Field("acquireTime", "microtime"),
        4: Field("renewTime", "microtime"),
        5: Field("leaseTransitions", "int"),
    },
    "Role": {1: _META, 2: _message("rules", "PolicyRule", many=True)},
    "ClusterRole": {
        1: _META,
        2: _message("rules", "PolicyRule", many=True),
        3: _message("aggregationRule", "AggregationRule"),
    },
    "AggregationRule": {1: _message("clusterRoleSelectors", "LabelSelector", many=True)},
    "LabelSelector": {1: Field("matchLabels", "map"), 2: _message("matchExpressions", "Requirement", many=True)},
    "Requirement": {1: Field("key"), 2: Field("operator"), 3: Field("values", many=True)},
    "PolicyRule": {
        1: Field("verbs", many=True),
        2: Field("apiGroups", many=True),
        3: Field("resources", many=True),
        4: Field("resourceNames", many=True),
        5: Field("nonResourceURLs", many=True),
    },
    "RoleBinding": {1: _META, 2: _message("subjects", "Subject", many=True), 3: _message("roleRef", "RoleRef")},
    "ClusterRoleBinding": {1: _META, 2: _message("subjects", "Subject", many=True), 3: _message("roleRef", "RoleRef")},
    "Subject": {1: Field("kind"), 2: Field("apiGroup"), 3: Field("name"), 4: Field("namespace")},
    "RoleRef": {1: Field("apiGroup"), 2: Field("kind"), 3: Field("name")},
    "DeleteOptions": {
        1: Field("gracePeriodSeconds", "int"),
        2: _message("preconditions", "Preconditions"),
        3: Field("orphanDependents", "bool"),
        4: Field("propagationPolicy"),
        5: Field("dryRun", many=True),
    },
    "Preconditions": {1: Field("uid"), 2: Field("resourceVersion")},
    "TokenRequest": {1: _META, 2: _message("spec", "TokenRequestSpec")},
    "TokenRequestSpec": {1: Field("audiences", many=True), 4: Field("expirationSeconds", "int")},
    "SelfSubjectAccessReview": {1: _META, 2: _message("spec", "AccessReviewSpec")},
    "AccessReviewSpec": {
        1: _message("resourceAttributes", "ResourceAttributes"),
        2: _message("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: Field("namespace"),
        2: Field("verb"),
        3: Field("group"),
        4: Field("version"),
        5: Field("resource"),
        6: Field("subresource"),
        7: Field("name"),
    },
    "NonResourceAttributes": {1: Field("path"), 2: Field("verb")},
    "SelfSubjectRulesReview": {1: _META, 2: _message("spec", "RulesReviewSpec")},
    "RulesReviewSpec": {1: Field("namespace")},
    "SelfSubjectReview": {1: _META},
}

# Those that are objects, or options, of their own.
KINDS = sorted({name for name, fields in MESSAGES.items() if fields[1] is _META} | {"DeleteOptions"})


def decode(body: bytes) -> Object:
    """Return an enveloped object as JSON would have it. Raises ApiError 400, and 415 for a kind not in the table."""
    if not body.startswith(MAGIC):
        raise bad_request("the body is not in Kubernetes' protobuf envelope")
    try:
        envelope = dict(_fields(body[len(MAGIC) :]))
        about = dict(_fields(envelope.get(1, b"")))
        kind, version = about[2].decode(), about[1].decode()
        if kind not in KINDS:
            raise _unsupported(kind)
        return {"apiVersion": version, "kind": kind, **_decode(envelope.get(2, b""), kind)}
    except (IndexError, KeyError, ValueError) as error:
        raise bad_request(f"the body's protobuf cannot be read: {error}") from error


def _decode(data: bytes, message: str) -> Object:
    result: Object = {}
    for number, raw in _fields(data):
        field = MESSAGES[message].get(number)
        if field is None:
            continue
        if field.kind in ("map", "bytes-map"):
            entry = dict(_fields(raw))
            value = entry.get(2, b"")
            text = base64.b64encode(value).decode() if field.kind == "bytes-map" else value.decode()
            result.setdefault(field.name, {})[entry.get(1, b"").decode()] = text
        elif field.many:
            result.setdefault(field.name, []).append(_value(raw, field))
        elif (value := _value(raw, field)) not in ("", None):
            result[field.name] = value
    return result


def _value(raw: Any, field: Field) -> Any:
    match field.kind:
        case "message":
            return _decode(raw, field.message)
        case "int":
            return raw - (1 << 64) if raw >= 1 << 63 else raw
        case "bool":
            return bool(raw)
        case "time" | "microtime":
            return _time(raw, micro=field.kind == "microtime")
        case "json":
            return json.loads(dict(_fields(raw)).get(1, b"{}"))
    return raw.decode()


def _time(raw: bytes, *, micro: bool) -> str | None:
    parts = dict(_fields(raw))
    seconds = parts.get(1, 0)
    if not seconds or seconds >= 1 << 63:  # Go's zero time lies before 1970
        return None
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{parts.get(2, 0) // 1000:06d}Z" if micro else f"{moment}Z"


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Give the fields of a message: number, and an int or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("a field is longer than the message")
            yield number, data[at : at + length]
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _unsupported(kind: str) -> ApiError:
    text = f"the lab reads protobuf bodies of {', '.join(KINDS)} only, not {kind}: send JSON"
    return ApiError(415, "UnsupportedMediaType", text)
