"""`include:integrity`: the SHA-256 that a remote file must have.

https://docs.gitlab.com/ci/yaml/#includeintegrity
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from hashlib import sha256

from mcci.findings import Position
from mcci.pipeline.document import Map

Report = Callable[[str, str, Position], None]

_PREFIX = "sha256-"


def is_well_formed(entry: Map, report: Report) -> bool:
    """Say whether an include's `integrity` is well formed and stands beside `remote`; otherwise report it."""
    value = entry["integrity"]
    if "remote" not in entry:
        problem = "integrity can only be specified for remote includes"
    elif not isinstance(value, str) or not value.startswith(_PREFIX):
        problem = f"integrity hash must start with '{_PREFIX}'"
    elif not _is_base64(value.removeprefix(_PREFIX)):
        problem = "integrity hash must be base64 encoded"
    else:
        return True
    report("include", f"include {problem}", entry.value_position("integrity"))
    return False


def is_intact(text: str, entry: Map, report: Report) -> bool:
    """Say whether a remote file has the hash that its include asks for; otherwise report it."""
    found = _hash(text)
    lines = text.replace("\n", "\r\n")  # as it may have been before it was read as text
    if entry["integrity"] in (found, _hash(lines), _hash(f"\ufeff{text}"), _hash(f"\ufeff{lines}")):
        return True
    message = f"include:remote '{entry['remote']}' failed the integrity check: the file at hand has {found}"
    report("include-integrity", message, entry.value_position("integrity"))
    return False


def _hash(text: str) -> str:
    return _PREFIX + b64encode(sha256(text.encode()).digest()).decode()


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except (Error, ValueError):
        return False
    return True
