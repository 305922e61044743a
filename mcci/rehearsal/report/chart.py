"""A canary over time as SVG that fits any width: its weight, and the errors and latency of canary and stable."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from mcci.rehearsal.report.words import seconds, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcci.rehearsal.report.model import Canary, Point

PANEL, GAP, TOP = 90, 38, 26
Line = list[tuple[float, float]]


def chart(canary: Canary) -> str:
    """Return the chart as one `<svg>`."""
    points = canary.points
    begun = points[0].at if points else 0.0
    span = max(1.0, points[-1].at - begun) if points else 1.0
    height = TOP + 3 * (PANEL + GAP)
    title = f"Canary {canary.canary} of {canary.service}: weight, errors and latency over time"
    weights: tuple[Line, Line] = (
        [(each.at, float(each.weight)) for each in points],
        [(each.at, 100.0 - each.weight) for each in points],
    )
    return "\n".join(
        [
            f'<svg class="chart" role="img" aria-label="{escape(title)}" width="100%" height="{height}">',
            f"<title>{escape(title)}</title>",
            *_panel(0, "weight, %", weights, (begun, span), steps=True, top=100.0),
            *_panel(1, "errors, %", _lines(points, "errors"), (begun, span)),
            *_panel(2, "p95, ms", _lines(points, "latency"), (begun, span)),
            *_times(span, height),
            "</svg>",
        ]
    )


def _lines(points: Sequence[Point], name: str) -> tuple[Line, Line]:
    found: tuple[Line, Line] = ([], [])
    for point in points:
        for line, value in zip(found, getattr(point, name), strict=True):
            if value is not None:
                line.append((point.at, value))
    return found


def _panel(
    number: int, title: str, lines: tuple[Line, Line], over: tuple[float, float], *, steps: bool = False, top: float = 0
) -> Iterator[str]:
    base = TOP + number * (PANEL + GAP) + PANEL
    highest = top or max((value for line in lines for _, value in line), default=0.0) * 1.15 or 1.0
    scale = f"{highest:,.{0 if highest >= 100 else 1}f}"
    yield f'<text class="tick" x="0" y="{base - PANEL - 6}">{title}, to {scale}</text>'
    for share in (0.0, 0.5, 1.0):
        yield f'<line class="grid" x1="0" x2="100%" y1="{base - share * PANEL}" y2="{base - share * PANEL}"/>'
    if not any(lines):
        yield f'<text class="tick" x="8" y="{base - PANEL / 2}">no data</text>'
    for track, line in (("stable", lines[1]), ("canary", lines[0])):
        spots = [(100 * (at - over[0]) / over[1], base - value / highest * PANEL) for at, value in line]
        for (x, y), (right, after) in pairwise(spots):
            turn = y if steps else after
            yield f'<line class="{track}" x1="{x:.2f}%" y1="{y:.1f}" x2="{right:.2f}%" y2="{turn:.1f}"/>'
            if turn != after:
                yield f'<line class="{track}" x1="{right:.2f}%" y1="{turn:.1f}" x2="{right:.2f}%" y2="{after:.1f}"/>'
        yield from (f'<circle class="{track}" cx="{x:.2f}%" cy="{y:.1f}" r="3"/>' for x, y in spots)


def _times(span: float, height: float) -> Iterator[str]:
    for at in ticks(span):
        x = 100 * at / span
        anchor = "start" if x < 3 else "end" if x > 95 else "middle"
        said = seconds(at) if at else "0"
        yield f'<text class="tick" x="{x:.2f}%" y="{height - 8}" text-anchor="{anchor}">{said}</text>'
