"""How findings phrase lists and near misses, so that all rules sound alike."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def listing(names: Iterable[object], most: int = 12) -> str:
    """Return "a, b and c"; of more than `most` names the first ones and how many are left."""
    items = [str(name) for name in names]
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def one_of(names: Iterable[object], most: int = 30) -> str:
    """Return "a", "a or b", or "one of a, b, c"."""
    items = [str(name) for name in names]
    return " or ".join(items) if len(items) <= 2 else f"one of {listing(items, most).replace(' and ', ', ')}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the nearest of `known`, or nothing."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f"; did you mean '{near[0]}'?" if near else ""
