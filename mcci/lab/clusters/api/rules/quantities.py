"""Quantities of resources, such as `250m` and `1Gi`, as numbers.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

QUANTITY = re.compile(r"(?P<number>[+-]?(\d+(\.\d*)?|\.\d+))(?P<suffix>([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?)")
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def number(text: str | float) -> Decimal | None:
    """Return what a quantity comes to; None for what is none."""
    match = QUANTITY.fullmatch(str(text))
    if match is None:
        return None
    value, suffix = Decimal(match["number"]), match["suffix"]
    if suffix in BINARY:
        return value * Decimal(1024) ** BINARY[suffix]
    if suffix in DECIMAL:
        return value.scaleb(DECIMAL[suffix])
    return value.scaleb(int(suffix[1:]))
