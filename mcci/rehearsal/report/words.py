"""How a report writes times, statuses and shares."""

from __future__ import annotations

from datetime import UTC, datetime

# a sign beside each status, for those who do not tell colours apart
SIGNS = {"success": "✓", "failed": "✕", "canceled": "⊘", "skipped": "»", "manual": "▶", "running": "●", "pending": "○",
         "created": "○", "scheduled": "◷", "canceling": "⊘"}  # fmt: skip


def seconds(value: float | None) -> str:
    """Return a time span: `0.4 s`, `12 s`, `3 min 05 s`."""
    if value is None:
        return "–"
    if value < 9.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def moment(at: float | None) -> str:
    """Return a time of day, UTC."""
    return "–" if at is None else datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def day(at: float) -> str:
    """Return a date with its time, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def sign(status: str) -> str:
    """Return a status's sign."""
    return SIGNS.get(status, "○")


def ticks(span: float, most: int = 6) -> list[float]:
    """Return round seconds from 0 to `span`, at most so many steps."""
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200):
        if span / step <= most:
            return [float(at) for at in range(0, int(span) + 1, step)]
    return [0.0]
