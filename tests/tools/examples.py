"""How many random examples a property is tried on: a few where everybody waits, many where somebody explores."""

from __future__ import annotations

import os

FUZZ = 5


def examples(few: int) -> int:
    """Return `few`, or with `make fuzz` many times as many."""
    return few * FUZZ if os.environ.get("MCCI_FUZZ") else few
