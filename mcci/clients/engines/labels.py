"""All labels as one instruction: as arguments each would be a step, with a container or a layer of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.clients.engines.model import Build

_OTHER_ESCAPE = re.compile(r"(\s*#.*\n)*?\s*#\s*escape\s*=\s*`")


def labelled(build: Build) -> tuple[str, dict[str, str]]:
    """Return the Dockerfile with the labels in it, and the labels that have to be arguments all the same."""
    if _OTHER_ESCAPE.match(build.dockerfile):
        return build.dockerfile, dict(build.labels)
    words = " ".join(f"{_quoted(key)}={_quoted(value)}" for key, value in sorted(build.labels.items()))
    return build.dockerfile + (f"\nLABEL {words}\n" if words else ""), {}


def _quoted(text: str) -> str:
    escaped = re.sub(r'(["\\$])', r"\\\1", " ".join(text.splitlines()))
    return f'"{escaped}"'
