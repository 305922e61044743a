"""Two versions of a configuration compared by what would run: for each event, the jobs that come, go or change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcci.simulation.events import Event, MergeRequest, Project, Source
from mcci.simulation.pipelines import Pipeline, PlannedJob, simulate
from mcci.simulation.report import event_text

_NOT_RUN = frozenset(("rules", "only", "except", "extends", "when", "needs", "stage", "allow_failure", "start_in"))
_PLANNED = ("when", "start_in", "needs", "environment", "resource_group", "interruptible")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One job that differs. `kind` is `added`, `removed` or `changed`; `details` say how."""

    kind: str
    pipeline: str
    job: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDifference:
    """What an event would make now and did not before. `notes` tell of whole pipelines."""

    event: Event
    notes: tuple[str, ...]
    changes: tuple[Change, ...]


def usual_events(branches: Sequence[str], default_branch: str) -> list[Event]:
    """Return the events that are compared when none is named: on each branch, into each branch, tags and the rest."""
    events: list[Event] = []
    for branch in branches:
        request = MergeRequest(source="feature", target=branch)
        events.append(Event(source=Source.PUSH, ref=branch))
        events.append(Event(source=Source.MERGE_REQUEST, ref="feature", merge_request=request))
        events.append(Event(source=Source.TRIGGER, ref=branch))
    events.append(Event(source=Source.PUSH, ref="feature"))
    events.append(Event(source=Source.PUSH, ref="v1.0.0", tag=True))
    events.extend(Event(source=source, ref=default_branch) for source in (Source.SCHEDULE, Source.WEB, Source.API))
    return events


def compare(old: Project, new: Project, events: Sequence[Event]) -> list[EventDifference]:
    """Return the events that run something else in `new` than in `old`."""
    found: list[EventDifference] = []
    for event in events:
        before, after = simulate(old, event), simulate(new, event)
        notes = tuple(_notes(before, after))
        changes = tuple(_changes(_jobs(before, ""), _jobs(after, "")))
        if notes or changes:
            found.append(EventDifference(event=event, notes=notes, changes=changes))
    return found


def _notes(before: Pipeline, after: Pipeline, path: str = "") -> Iterator[str]:
    refused = [*map(str, after.findings or after.configuration.findings)]
    if before.decision.included and not after.decision.included:
        yield f"{path}there was a pipeline, now there is none: {after.decision.reason}"
        yield from refused
    elif after.decision.included and not before.decision.included:
        yield f"{path}there was no pipeline ({before.decision.reason}), now there is one"
    elif not after.decision.included and (not after.configuration.is_valid or (refused and not before.findings)):
        yield f"{path}there is no pipeline, as before, and GitLab refuses it: {after.decision.reason}"
        yield from refused
    children = {planned.name: planned.child for planned in before.jobs}
    for planned in after.jobs:
        child = children.get(planned.name)
        if child is not None and planned.child is not None:
            yield from _notes(child, planned.child, f"{path}{planned.name} → ")


def _jobs(pipeline: Pipeline, path: str) -> dict[tuple[str, str], PlannedJob]:
    jobs: dict[tuple[str, str], PlannedJob] = {}
    for planned in pipeline.jobs:
        jobs[path, planned.name] = planned
        if planned.child is not None:
            jobs.update(_jobs(planned.child, f"{path}{planned.name} → "))
    return jobs


def _changes(
    before: Mapping[tuple[str, str], PlannedJob], after: Mapping[tuple[str, str], PlannedJob]
) -> Iterator[Change]:
    for key, planned in after.items():
        if key not in before:
            details = (f"stage {planned.job.stage}", *([planned.when] if planned.when != "on_success" else []))
            yield Change(kind="added", pipeline=key[0], job=key[1], details=details)
        else:
            details = tuple(_details(before[key], planned))
            if details:
                yield Change(kind="changed", pipeline=key[0], job=key[1], details=details)
    for key in before:
        if key not in after:
            yield Change(kind="removed", pipeline=key[0], job=key[1], details=())


def _details(before: PlannedJob, after: PlannedJob) -> Iterator[str]:
    if before.job.stage != after.job.stage:
        yield f"stage: {before.job.stage} → {after.job.stage}"
    for name in _PLANNED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{name}: {_shown(old)} → {_shown(new)}"
    if before.allow_failure != after.allow_failure:
        old_codes, new_codes = before.allow_failure.exit_codes, after.allow_failure.exit_codes
        yield f"allow_failure: {_failure(before.allow_failure.allowed, old_codes)} → " + _failure(
            after.allow_failure.allowed, new_codes
        )
    if before.variables != after.variables:
        yield "variables of its rule"
    old_keywords, new_keywords = before.job.keywords, after.job.keywords
    for key in {**old_keywords, **new_keywords}:
        if key not in _NOT_RUN and key not in _PLANNED and old_keywords.get(key) != new_keywords.get(key):
            yield key


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _failure(allowed: bool, codes: tuple[int, ...]) -> str:
    return f"exit codes {', '.join(map(str, codes))}" if codes else str(allowed).lower()


def markdown(differences: Sequence[EventDifference], revision: str) -> str:
    """Return the differences as a comment on a merge request."""
    return "\n".join(_markdown(differences, revision))


def _markdown(differences: Sequence[EventDifference], revision: str) -> Iterator[str]:
    yield f"### Pipelines compared with `{revision}`"
    yield ""
    if not differences:
        yield "Every event runs the same jobs."
    for (notes, changes), events in _grouped(differences).items():
        counts = [
            f"{count} {kind}"
            for kind in ("added", "removed", "changed")
            if (count := sum(change.kind == kind for change in changes))
        ]
        title = "; ".join(_escaped(event_text(event)) for event in events)
        yield f"<details><summary><b>{title}</b>: {', '.join(counts) or 'changed'}</summary>"
        yield ""
        for note in notes:
            yield f"- {_escaped(note)}"
        if notes and changes:
            yield ""  # without it the table would belong to the last note
        if changes:
            yield "| | job | what |"
            yield "|---|---|---|"
        for change in changes:
            mark = {"added": "➕", "removed": "➖", "changed": "✏️"}[change.kind]
            name = _escaped(change.pipeline + change.job)
            yield f"| {mark} | {name} | {_escaped('; '.join(change.details)) or change.kind} |"
        yield ""
        yield "</details>"


def _grouped(
    differences: Sequence[EventDifference],
) -> dict[tuple[tuple[str, ...], tuple[Change, ...]], list[Event]]:
    """Return the events by what they change, so that a change that many events show is told once."""
    groups: dict[tuple[tuple[str, ...], tuple[Change, ...]], list[Event]] = {}
    for difference in differences:
        groups.setdefault((difference.notes, difference.changes), []).append(difference.event)
    return groups


def _escaped(text: str) -> str:
    for character, written in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " ")):
        text = text.replace(character, written)
    return text


def document(differences: Sequence[EventDifference], revision: str) -> dict[str, Any]:
    """Return the differences as plain values for JSON."""
    return {
        "revision": revision,
        "events": [
            {
                "event": event_text(difference.event),
                "source": difference.event.source.value,
                "ref": difference.event.ref,
                "notes": list(difference.notes),
                "changes": [
                    {
                        "kind": change.kind,
                        "pipeline": change.pipeline.removesuffix(" → "),
                        "job": change.job,
                        "details": list(change.details),
                    }
                    for change in difference.changes
                ],
            }
            for difference in differences
        ],
    }
