"""How GitLab writes a YAML scalar as text: in variables, in names, in the values of a matrix."""

from __future__ import annotations

from typing import Any


def scalar_text(value: Any) -> str:
    """Return a scalar as GitLab writes it into a variable."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
