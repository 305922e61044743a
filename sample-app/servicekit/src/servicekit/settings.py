"""The settings all services have, and how a service declares more of them.

A setting is a dataclass field made by `setting(...)`: its type, default, limits and sentence of help stand in
one place, and the profile loader checks every value against them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

NAME = r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a value must satisfy beyond its type."""

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    url: bool = False


def setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: str | None = None,
    url: bool = False,
) -> Any:
    """A dataclass field with its default, limits (inclusive) and a sentence of help."""
    limits = Limits(help=help, minimum=minimum, maximum=maximum, choices=choices, pattern=pattern, url=url)
    return field(default=default, metadata={"limits": limits})


def is_http_url(value: str) -> bool:
    """Whether `value` is an absolute http(s) URL without credentials, query or fragment."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and plain


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """The settings that every service has; each service's own settings extend it."""

    bind: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 in a container")
    port: int = setting(8080, "TCP port to listen on; 0 takes a free one", minimum=0, maximum=65535)
    cloud: str = setting("local", "the cloud this copy runs in; answers carry it", pattern=NAME)
    service_version: str = setting("v1", "the version this copy reports", pattern=NAME)
    log_level: str = setting("info", "least level logged", choices=("debug", "info", "warning", "error"))
    max_body_bytes: int = setting(65536, "largest request body taken", minimum=0, maximum=2**30)
    drain_seconds: float = setting(0.0, "time not ready, still serving, before stopping", minimum=0, maximum=300)
    shutdown_seconds: float = setting(10.0, "time for requests in flight to finish", minimum=0, maximum=300)
