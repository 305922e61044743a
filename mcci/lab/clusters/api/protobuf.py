"""Bodies in Kubernetes' protobuf envelope, which Go clients send for built-in kinds and do not retry as JSON.

Replies are JSON, which every client takes.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.api.messages import KINDS, MESSAGES
from mcci.lab.clusters.status import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.lab.clusters.api.messages import Field

Object = dict[str, Any]
MAGIC = b"k8s\x00"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"


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
