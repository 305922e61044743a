"""Durations as GitLab's configuration writes them: `5 seconds`, `1 day and 2 hours`, `3h30m`, `1:30`, `90`.

https://docs.gitlab.com/ci/yaml/#when and https://docs.gitlab.com/ci/jobs/job_control/#run-a-job-after-a-delay
"""

from __future__ import annotations

import re

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * _DAY),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_FILLER = re.compile(r"[\s,]+|\band\b")


def seconds(text: str) -> float | None:
    """Return how many seconds a duration has, or None for text that is none. A bare number counts seconds."""
    text = text.strip().lower()
    if re.fullmatch(r"\d+(:\d+){1,2}", text):
        return _clock(text)
    total = 0.0
    rest = text
    while match := _PART.match(rest):
        unit = _UNITS.get(match[2]) if match[2] else 1
        if unit is None:
            return None
        total += float(match[1]) * unit
        rest = _FILLER.sub(" ", rest[match.end() :]).strip()
    return total if text and not rest else None


def _clock(text: str) -> float:
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return total
