"""What a registry asks for with 401: the header `WWW-Authenticate`, read (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARAMETER = re.compile(r"""([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A scheme (`basic`, `bearer`) and, for a bearer token, who gives it (`realm`) and for what (`service`)."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""


def parse(header: str) -> Challenge | None:
    """Return the challenge, or None where it is neither Basic nor Bearer."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in ("basic", "bearer"):
        return None
    found = {name.lower(): re.sub(r"\\(.)", r"\1", quoted or plain) for name, quoted, plain in _PARAMETER.findall(rest)}
    names = ("realm", "service", "scope", "error")
    return Challenge(scheme=scheme.lower(), **{name: found.get(name, "") for name in names})
