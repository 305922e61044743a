"""What a drawing shows: pipelines as boxes of stages, jobs in them, and the lines between jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mcci.simulation.pipelines import Pipeline, PlannedJob
from mcci.simulation.report import event_text, job_line

_MOST_REDUCED = 1_000
_DEEPEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One job: `id` is unique in the drawing, `kind` is `job`, `manual`, `delayed` or `trigger`."""

    id: str
    name: str
    kind: str
    status: str
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One pipeline: its title, its stages with their jobs, and the box that started it (None for the first)."""

    id: str
    title: str
    started_by: str | None
    stages: tuple[tuple[str, tuple[Box, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line between two boxes, or from a trigger job to the frame it starts. `stage` means: by the order of stages."""

    start: str
    end: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A whole drawing: frames in the order they start, and lines."""

    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]


def drawing(pipeline: Pipeline, statuses: Mapping[tuple[str, str], str] | None = None) -> Drawing:
    """Return the drawing of a pipeline and all below it.

    `statuses` are the jobs' statuses by the frame's id (`p1`, `p2`, … in the order drawn) and the job's name.
    """
    frames: list[Frame] = []
    lines: list[Line] = []
    waiting: list[tuple[Pipeline, str | None]] = [(pipeline, None)]
    while waiting:
        one, started_by = waiting.pop(0)
        frame_id = f"p{len(frames) + 1}"
        ids = {planned.name: f"{frame_id}j{index}" for index, planned in enumerate(one.jobs, start=1)}
        known = {name: (statuses or {}).get((frame_id, name), "") for name in ids}
        frames.append(_frame(one, frame_id, started_by, ids, known))
        if started_by is not None:
            lines.append(Line(start=started_by, end=frame_id, kind="trigger"))
        lines.extend(_lines(one, ids))
        waiting.extend((planned.child, ids[planned.name]) for planned in one.jobs if planned.child is not None)
    return Drawing(frames=tuple(frames), lines=tuple(lines))


def _frame(
    pipeline: Pipeline, frame_id: str, started_by: str | None, ids: Mapping[str, str], statuses: Mapping[str, str]
) -> Frame:
    if pipeline.decision.included:
        what = "child pipeline" if pipeline.depth else event_text(pipeline.event)
        title = pipeline.name or f"{pipeline.configuration.file}: {what}"
    else:
        title = f"no pipeline for {event_text(pipeline.event)}: {pipeline.decision.reason}"
    stages: dict[str, list[Box]] = {stage: [] for stage in pipeline.stages}
    for planned in pipeline.jobs:
        box = Box(
            id=ids[planned.name],
            name=planned.name,
            kind=_kind(planned),
            status=statuses[planned.name],
            tip=f"{job_line(planned)}\n{planned.decision.reason}\n{planned.job.position}",
        )
        stages[planned.job.stage].append(box)
    return Frame(
        id=frame_id,
        title=title,
        started_by=started_by,
        stages=tuple((stage, tuple(boxes)) for stage, boxes in stages.items()),
    )


def _kind(planned: PlannedJob) -> str:
    if planned.job.trigger is not None:
        return "trigger"
    return planned.when if planned.when in ("manual", "delayed") else "job"


def _lines(pipeline: Pipeline, ids: Mapping[str, str]) -> Iterator[Line]:
    """Yield a line for each need that no other need implies, and one between stages for jobs that wait for a stage."""
    implied = _implied(pipeline) if len(pipeline.jobs) <= _MOST_REDUCED else {}
    previous: PlannedJob | None = None
    by_stage = {stage: [one for one in pipeline.jobs if one.job.stage == stage] for stage in pipeline.stages}
    for jobs in by_stage.values():
        for planned in jobs:
            if planned.needs is not None:
                for need in planned.needs:
                    if any(need in implied.get(other, ()) for other in planned.needs):
                        continue
                    yield Line(start=ids[need], end=ids[planned.name], kind="need")
            elif previous is not None:
                yield Line(start=ids[previous.name], end=ids[planned.name], kind="stage")
        previous = jobs[-1]


def _implied(pipeline: Pipeline) -> dict[str, frozenset[str]]:
    """Return, for each job, the jobs that it needs however indirectly."""
    by_name = {planned.name: planned for planned in pipeline.jobs}
    found: dict[str, frozenset[str]] = {}

    def ancestors(name: str, above: tuple[str, ...]) -> frozenset[str]:
        if name not in found:
            needs = [need for need in by_name[name].needs or () if need not in above]
            indirect = [ancestors(need, (*above, name)) for need in needs] if len(above) < _DEEPEST else []
            found[name] = frozenset(needs).union(*indirect)
        return found[name]

    for name in by_name:
        ancestors(name, ())
    return found
