"""SVG: stages as columns, jobs as boxes in them, each child pipeline below the pipeline that starts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from mcci.simulation.graph.model import Box, Drawing, Frame

COLUMN, GAP = 230, 60
ROW, SPACE = 30, 8
HEAD, MARGIN = 62, 20
_NAME_LENGTH = 30

STYLE = """
svg{font-family:system-ui,sans-serif;font-size:13px}
.frame{fill:#fafafa;stroke:#bbb;rx:10}.title{font-weight:600;font-size:15px}.stage{fill:#666;font-weight:600}
.box rect{fill:#fff;stroke:#999;rx:6}.manual rect{stroke-dasharray:5 3}.delayed rect{stroke-dasharray:2 2}
.trigger rect{stroke:#6b4fbb;stroke-width:2}.mark{fill:#777}
.line{fill:none;stroke:#aaa}.stage-line{stroke-dasharray:4 4;stroke:#ccc}.trigger-line{stroke:#6b4fbb;stroke-width:2}
.success rect{fill:#dcf5e3;stroke:#108548}.failed rect{fill:#fcdedd;stroke:#dd2b0e}
.running rect{fill:#dbe9fb;stroke:#1f75cb}
.pending rect,.waiting_for_resource rect,.preparing rect{fill:#fdf1dd;stroke:#ab6100}
.canceled rect,.skipped rect{fill:#ececef;stroke:#737278}.st-manual rect,.scheduled rect{fill:#f1f0f6;stroke:#535158}
.found rect{stroke:#d9534f;stroke-width:3}
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """A rectangle: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


def svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG document that needs nothing else."""
    frames, boxes = _layout(drawing)
    width = max((place.x + place.width for place in frames.values()), default=0) + MARGIN
    height = max((place.y + place.height for place in frames.values()), default=0) + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img"><title>Pipelines</title><style>{STYLE}</style>'
    )
    parts = [head]
    parts.extend(_frame(frame, frames[frame.id]) for frame in drawing.frames)
    parts.extend(_lines(drawing, frames, boxes))
    for frame in drawing.frames:
        parts.extend(_box(box, boxes[box.id]) for _, column in frame.stages for box in column)
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _layout(drawing: Drawing) -> tuple[dict[str, _Place], dict[str, _Place]]:
    """Return where frames and boxes stand: frames one below the other, a child to the right of what starts it."""
    frames: dict[str, _Place] = {}
    boxes: dict[str, _Place] = {}
    top = float(MARGIN)
    for frame in drawing.frames:
        left = MARGIN + (boxes[frame.started_by].x if frame.started_by else 0)
        for column, (_, column_boxes) in enumerate(frame.stages):
            for row, box in enumerate(column_boxes):
                x = left + MARGIN + column * (COLUMN + GAP)
                boxes[box.id] = _Place(x, top + HEAD + row * (ROW + SPACE), COLUMN, ROW)
        columns = max(len(frame.stages), 1)
        rows = max((len(column_boxes) for _, column_boxes in frame.stages), default=0)
        width = max(2 * MARGIN + columns * COLUMN + (columns - 1) * GAP, 2 * MARGIN + 9 * len(frame.title))
        frames[frame.id] = _Place(left, top, width, HEAD + rows * (ROW + SPACE) + MARGIN)
        top += frames[frame.id].height + 2 * MARGIN
    return frames, boxes


def _frame(frame: Frame, place: _Place) -> str:
    parts = [
        f'<rect class="frame" x="{place.x:g}" y="{place.y:g}" width="{place.width:g}" height="{place.height:g}"/>',
        f'<text class="title" x="{place.x + MARGIN:g}" y="{place.y + 24:g}">{escape(frame.title)}</text>',
    ]
    for column, (stage, _) in enumerate(frame.stages):
        x = place.x + MARGIN + column * (COLUMN + GAP)
        parts.append(f'<text class="stage" x="{x:g}" y="{place.y + 50:g}">{escape(stage)}</text>')
    return "".join(parts)


def _box(box: Box, place: _Place) -> str:
    status = f" {'st-manual' if box.status == 'manual' else box.status}" if box.status else ""
    name = box.name if len(box.name) <= _NAME_LENGTH else box.name[: _NAME_LENGTH - 1] + "…"
    mark = {"manual": "▶", "delayed": "◷", "trigger": "↗"}.get(box.kind, "")
    tip = f"{box.tip}\n{box.status}" if box.status else box.tip
    return (
        f'<g class="box {box.kind}{escape(status)}" id="{box.id}" data-name="{escape(box.name)}">'
        f"<title>{escape(tip)}</title>"
        f'<rect x="{place.x:g}" y="{place.y:g}" width="{place.width:g}" height="{place.height:g}"/>'
        f'<text x="{place.x + 10:g}" y="{place.y + 20:g}">{escape(name)}</text>'
        f'<text class="mark" x="{place.x + place.width - 18:g}" y="{place.y + 20:g}">{mark}</text></g>'
    )


def _lines(drawing: Drawing, frames: dict[str, _Place], boxes: dict[str, _Place]) -> Iterator[str]:
    for line in drawing.lines:
        start = boxes[line.start]
        if line.kind == "trigger":
            end = frames[line.end]
            x1, y1, x2, y2 = start.x + 14, start.y + start.height, end.x + 14, end.y
            path = f"M{x1:g} {y1:g}C{x1:g} {(y1 + y2) / 2:g} {x2:g} {(y1 + y2) / 2:g} {x2:g} {y2:g}"
        else:
            end = boxes[line.end]
            x1, y1, x2, y2 = start.x + start.width, start.y + ROW / 2, end.x, end.y + ROW / 2
            if x2 <= start.x:  # the same stage: around the right side
                x2 = end.x + end.width
                path = f"M{x1:g} {y1:g}C{x1 + 40:g} {y1:g} {x2 + 40:g} {y2:g} {x2:g} {y2:g}"
            else:
                middle = x2 - GAP / 2
                path = f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
        extra = {"stage": " stage-line", "trigger": " trigger-line"}.get(line.kind, "")
        yield f'<path class="line{extra}" data-from="{line.start}" data-to="{line.end}" d="{path}"/>'
