"""The request being served: its id and the tracing headers that must travel on.

A mesh's proxies cannot tie an incoming request to the outgoing ones it causes; the application hands the
tracing headers on (Istio: "distributed tracing", trace context propagation).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar

TRACING_HEADERS = (
    "x-request-id",
    "traceparent",
    "tracestate",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
)
VALID_VALUE = re.compile(r"[\x21-\x7e]{1,512}")
VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_tracing: ContextVar[Mapping[str, str]] = ContextVar("tracing", default={})  # noqa: B039 - never changed in place


def enter_request(headers: list[tuple[bytes, bytes]]) -> str:
    """Remember the tracing headers of the request that this task serves; answers its id, made up if it has none."""
    kept = {}
    for raw_name, raw_value in headers:
        name = raw_name.decode("latin-1")
        if name in TRACING_HEADERS:
            value = raw_value.decode("latin-1")
            if VALID_VALUE.fullmatch(value):
                kept[name] = value
    if not VALID_ID.fullmatch(kept.get("x-request-id", "")):
        kept["x-request-id"] = uuid.uuid4().hex
    _tracing.set(kept)
    return kept["x-request-id"]


def tracing_headers() -> Mapping[str, str]:
    """The headers to send with every call made for the current request."""
    return _tracing.get()


def request_id() -> str | None:
    """The id of the request that this task serves, if it serves one."""
    return _tracing.get().get("x-request-id")
