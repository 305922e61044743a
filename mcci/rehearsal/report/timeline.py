"""The jobs of a pipeline and those below it over time, as SVG that fits any width: places across are percentages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mcci.rehearsal.report.words import seconds, sign, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.rehearsal.report.model import Family, Job, Pipeline

ROW, HEAD, BAR = 30, 24, 9
LEAST = 0.35  # percent of the width: a bar that is shorter would not be seen


def timeline(family: Family) -> str:
    """Return the timeline as `<svg>`: a row a job, before its bar its wait for a runner, the critical path framed."""
    begun = family.pipelines[0].created
    ends = [job.finished or 0.0 for each in family.pipelines for job in each.jobs]
    span = max([*ends, begun + 1]) - begun
    rows, y = [], HEAD
    for pipeline in family.pipelines:
        lines = list(_pipeline(pipeline, begun, span, y))
        rows += lines
        y += HEAD + ROW * len(_shown(pipeline))
    title = f"The jobs of pipeline {family.pipelines[0].id} over {seconds(span)}"
    head = f'<svg class="timeline" role="img" aria-label="{escape(title)}" width="100%" height="{y + 4}">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *_axis(span, y), *rows, "</svg>"])


def _axis(span: float, height: float) -> Iterator[str]:
    for at in ticks(span):
        x = _across(at, span)
        anchor = "start" if x < 3 else "end" if x > 95 else "middle"
        yield f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="18" y2="{height}"/>'
        yield f'<text class="tick" x="{x:.2f}%" y="12" text-anchor="{anchor}">{seconds(at) if at else "0"}</text>'


def _shown(pipeline: Pipeline) -> list[Job]:
    return [job for job in pipeline.jobs if job.started is not None and not job.bridge]


def _pipeline(pipeline: Pipeline, begun: float, span: float, top: float) -> Iterator[str]:
    name = f"#{pipeline.id} {pipeline.name or pipeline.ref}"
    yield f'<text class="group" x="0" y="{top + 14}">{escape(name)}</text>'
    for row, job in enumerate(_shown(pipeline)):
        yield from _job(job, begun, span, top + HEAD + row * ROW)


def _job(job: Job, begun: float, span: float, top: float) -> Iterator[str]:
    assert job.started is not None
    end = job.finished or begun + span
    start, width = _across(job.started - begun, span), max(LEAST, 100 * (end - job.started) / span)
    start = min(start, 100 - width)
    label = f"{sign(job.status)} {job.name}{f' (attempt {job.attempt + 1})' if job.attempt else ''}"
    at, anchor = (start, "start") if start <= 55 else (min(100.0, start + width), "end")
    yield f'<g class="job {job.status}{" critical" if job.critical else ""}">'
    told = f"{job.name}: {job.status}, {seconds(job.seconds)}"
    yield f"<title>{escape(told + (', on the critical path' if job.critical else ''))}</title>"
    taken = f' <tspan class="took">{seconds(job.seconds)}</tspan>'
    yield f'<text x="{at:.2f}%" y="{top + 12}" text-anchor="{anchor}">{escape(label)}{taken}</text>'
    if job.queued is not None and job.started - job.queued > span / 500:
        since = _across(job.queued - begun, span)
        yield f'<rect class="wait" x="{since:.2f}%" width="{max(0.0, start - since):.2f}%" y="{top + 20}" height="2"/>'
    yield f'<rect class="bar" x="{start:.2f}%" width="{width:.2f}%" y="{top + 17}" height="{BAR}" rx="2"/>'
    yield "</g>"


def _across(at: float, span: float) -> float:
    return min(100.0, max(0.0, 100 * at / span))
