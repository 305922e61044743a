"""An SVG chart of a canary: weights, errors and latency over time, to be read in a merge request without any script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mcci.canary.actions.watch import Sample
    from mcci.canary.state import State

    Across = Callable[[float], float]

Line = list[tuple[float, float]]
WIDTH, PANEL, LEFT, TOP, GAP = 760, 110, 70, 66, 34
CANARY, STABLE, GRID, INK = "#d9480f", "#1864ab", "#dee2e6", "#212529"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was known at one time (Unix seconds): None where it was not known. Latency is in milliseconds."""

    at: float
    weight: int
    errors: tuple[float | None, float | None] = (None, None)  # percent, canary and stable
    latency: tuple[float | None, float | None] = (None, None)
    mark: str = ""


def points(state: State, samples: Iterable[Sample] = ()) -> list[Point]:
    """Return the canary's points: what the history has of it, and what this job has looked at."""
    version = state.canary or state.stable
    found = [
        Point(
            at=entry.at.timestamp(),
            weight=entry.weights.get(version, 0),
            errors=(_errors(entry.evidence, "canary"), _errors(entry.evidence, "stable")),
            latency=(_latency(entry.evidence, "canary"), _latency(entry.evidence, "stable")),
            mark=f"{entry.action.value}{f' {entry.step}' if entry.step else ''}"
            f"{f' ({entry.verdict})' if entry.verdict else ''}",
        )
        for entry in state.history
        if entry.version == version
    ]
    found += [
        Point(
            at=sample.at,
            weight=sample.weight,
            errors=(_errors(sample.look.evidence, "canary"), _errors(sample.look.evidence, "stable")),
            latency=(_latency(sample.look.evidence, "canary"), _latency(sample.look.evidence, "stable")),
        )
        for sample in samples
    ]
    return sorted(found, key=lambda point: point.at)


def chart(service: str, found: Sequence[Point]) -> str:
    """Return the chart as an SVG document of a fixed width."""
    height = TOP + 3 * (PANEL + GAP)
    start, end = (found[0].at, found[-1].at) if found else (0.0, 1.0)
    span = max(end - start, 1.0)

    def across(at: float) -> float:
        return LEFT + (at - start) / span * (WIDTH - LEFT - 20)

    font = f'font-family="sans-serif" font-size="11" fill="{INK}"'
    legend = f'<tspan fill="{CANARY}">■ canary</tspan> <tspan fill="{STABLE}">■ stable</tspan>'
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f"<title>Canary of {escape(service)}: weights, errors and latency over time</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold">Canary of {escape(service)}</text>',
        f'<text x="{LEFT}" y="38">{legend}</text>',
    ]
    weights: tuple[Line, Line] = (
        [(point.at, float(point.weight)) for point in found],
        [(point.at, 100.0 - point.weight) for point in found],
    )
    parts += _panel(0, "weight (%)", weights, across, steps=True, top=100.0)
    parts += _panel(1, "errors (%)", _series(found, "errors"), across)
    parts += _panel(2, "p95 (ms)", _series(found, "latency"), across)
    parts += _marks(found, across)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _series(found: Sequence[Point], name: str) -> tuple[Line, Line]:
    lines: tuple[Line, Line] = ([], [])
    for point in found:
        for line, value in zip(lines, getattr(point, name), strict=True):
            if value is not None:
                line.append((point.at, value))
    return lines


def _panel(
    number: int, title: str, lines: tuple[Line, Line], across: Across, *, steps: bool = False, top: float = 0.0
) -> Iterator[str]:
    base = TOP + number * (PANEL + GAP) + PANEL
    highest = top or max((value for line in lines for _, value in line), default=0.0) * 1.15 or 1.0
    yield f'<text x="{LEFT - 8}" y="{base - PANEL + 4}" text-anchor="end">{highest:.3g}</text>'
    yield f'<text x="{LEFT - 8}" y="{base}" text-anchor="end">0</text>'
    yield f'<text x="{LEFT}" y="{base - PANEL - 4}" fill="#495057">{title}</text>'
    for share in (0.0, 0.5, 1.0):
        y = base - share * PANEL
        yield f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
    if not any(lines):
        yield f'<text x="{LEFT + 8}" y="{base - PANEL / 2:.0f}" fill="#868e96">no data</text>'
    for line, colour in zip(lines, (CANARY, STABLE), strict=True):
        spots = [(across(at), base - value / highest * PANEL) for at, value in line]
        if spots:
            yield f'<path d="{_path(spots, steps=steps)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.8" fill="{colour}"/>' for x, y in spots)


def _path(spots: Sequence[tuple[float, float]], *, steps: bool) -> str:
    """Return the line through the spots; weights stay until they are moved, so theirs goes in steps."""
    parts = [f"M{spots[0][0]:.1f} {spots[0][1]:.1f}"]
    for x, y in spots[1:]:
        parts.append(f"H{x:.1f}V{y:.1f}" if steps else f"L{x:.1f} {y:.1f}")
    return "".join(parts)


def _marks(found: Sequence[Point], across: Across) -> Iterator[str]:
    """What was done, and when, below the panels; a mark too near to the one before is left out of the axis."""
    bottom, last = TOP + 3 * (PANEL + GAP) - GAP, -1000.0
    for point in found:
        if point.mark:
            x = across(point.at)
            yield (
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="#adb5bd" stroke-dasharray="2 3">'
                f"<title>{escape(point.mark)}</title></line>"
            )
            if x - last >= 90:
                last = x
                anchor = "end" if x > WIDTH - 90 else "start"
                when = datetime.fromtimestamp(point.at, UTC).strftime("%H:%M")
                yield f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="{anchor}">{when} {escape(point.mark)}</text>'


def _errors(evidence: Mapping[str, Any], track: str) -> float | None:
    counts = evidence.get(track) or {}
    requests = counts.get("requests")
    return 100 * float(counts.get("errors") or 0) / requests if requests else None


def _latency(evidence: Mapping[str, Any], track: str) -> float | None:
    found = (evidence.get(track) or {}).get("p95_ms")
    return None if found is None else float(found)
