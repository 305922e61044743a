"""Mermaid and DOT: drawings as text that other tools lay out."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.simulation.graph.model import Box, Drawing

_MERMAID_SHAPES = {"job": ('["', '"]'), "manual": ('(["', '"])'), "delayed": ('[/"', '"/]'), "trigger": ('[["', '"]]')}
_MERMAID_LINES = {"need": "-->", "stage": "-.->", "trigger": "==>"}
_DOT_SHAPES = {"job": "box", "manual": "ellipse", "delayed": "parallelogram", "trigger": "cds"}
_DOT_STYLES = {"need": "solid", "stage": "dashed", "trigger": "bold"}


def mermaid(drawing: Drawing) -> str:
    """Return the drawing as a Mermaid flowchart, which GitLab shows in Markdown. https://mermaid.js.org/"""
    return "\n".join(_mermaid(drawing)) + "\n"


def _mermaid(drawing: Drawing) -> Iterator[str]:
    yield "flowchart LR"
    for frame in drawing.frames:
        yield f'  subgraph {frame.id}["{_mermaid_text(frame.title)}"]'
        for index, (stage, boxes) in enumerate(frame.stages, start=1):
            yield f'    subgraph {frame.id}s{index}["{_mermaid_text(stage)}"]'
            for box in boxes:
                opening, closing = _MERMAID_SHAPES[box.kind]
                yield f"      {box.id}{opening}{_mermaid_text(_label(box))}{closing}"
            yield "    end"
        yield "  end"
    for line in drawing.lines:
        yield f"  {line.start} {_MERMAID_LINES[line.kind]} {line.end}"


def _mermaid_text(text: str) -> str:
    escaped = "".join(f"#{ord(character)};" if character in '"#&<>`\\' else character for character in text)
    return escaped.replace("\n", " ")


def dot(drawing: Drawing) -> str:
    """Return the drawing in Graphviz's language. https://graphviz.org/doc/info/lang.html"""
    return "\n".join(_dot(drawing)) + "\n"


def _dot(drawing: Drawing) -> Iterator[str]:
    yield "digraph pipelines {"
    yield '  rankdir=LR; compound=true; node [fontname="sans-serif"];'
    first_box = {frame.id: frame.stages[0][1][0].id for frame in drawing.frames if frame.stages}
    for frame in drawing.frames:
        yield f"  subgraph cluster_{frame.id} {{"
        yield f"    label={_quoted(frame.title)};"
        for index, (stage, boxes) in enumerate(frame.stages, start=1):
            yield f"    subgraph cluster_{frame.id}s{index} {{"
            yield f"      label={_quoted(stage)};"
            for box in boxes:
                yield f"      {box.id} [label={_quoted(_label(box))}, shape={_DOT_SHAPES[box.kind]}];"
            yield "    }"
        yield "  }"
    for line in drawing.lines:
        if line.kind != "trigger":
            yield f"  {line.start} -> {line.end} [style={_DOT_STYLES[line.kind]}];"
        elif line.end in first_box:
            yield f"  {line.start} -> {first_box[line.end]} [style=bold, lhead=cluster_{line.end}];"
    yield "}"


def _label(box: Box) -> str:
    return f"{box.name} ({box.status})" if box.status else box.name


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
