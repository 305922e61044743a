"""Judges recorded series look by look, as if they came in now (`recording.py` has their format)."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from mcci.canary.judge import istio
from mcci.canary.judge.decide import judge
from mcci.canary.judge.model import Counts, Evidence, Judgement, Look, Target
from mcci.canary.judge.observe import observe
from mcci.canary.judge.recording import SCHEMA, RecordedLook, Recording, Version
from mcci.canary.judge.state import State
from mcci.clients.prometheus import Series
from mcci.config.build import Builder
from mcci.config.read import read
from mcci.errors import InvalidInput
from mcci.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.config.canary import Analysis
    from mcci.findings import Position


def replay(data: bytes, *, file: str, analysis: Analysis) -> tuple[Judgement, ...]:
    """Return the judgement after each look of a recording, in order; the last one is what it comes to.

    `file` is the recording's name in messages. Raises `InvalidInput`, with positions, for what is no recording.
    """
    builder = Builder(file, {})
    recording = builder.build(Recording, read(data, file))
    if builder.findings:
        raise InvalidInput(list(builder.findings))
    assert isinstance(recording, Recording)
    if recording.schema != SCHEMA:
        raise _wrong(recording.marks.of("schema"), f"the schema is '{recording.schema}'", f"Use '{SCHEMA}'.")
    if bool(recording.looks) == bool(recording.series):
        raise _wrong(recording.marks.at, "there must be either 'looks' or 'series' to judge", "Give one of them.")
    state, known = _from_looks(recording) if recording.looks else _from_series(recording, analysis)
    judgements = []
    for evidence in known:
        judgements.append(judge(state, evidence, analysis))
        state = judgements[-1].state
    return tuple(judgements)


def _from_looks(recording: Recording) -> tuple[State, list[Evidence]]:
    ends: dict[str, float] = {}
    known = []
    clusters = {recorded.cluster for recorded in recording.looks}
    first = recording.looks[0].start or 0.0
    for recorded in recording.looks:
        before = ends.get(recorded.cluster, first)
        start = before if recorded.start is None else recorded.start
        if start < before or recorded.seconds <= 0:
            message = (
                f"this look begins at {start:g} for {recorded.seconds:g} s, and the one before ended at {before:g}"
            )
            raise _wrong(recorded.marks.at, message, "Looks follow one another.")
        ends[recorded.cluster] = start + recorded.seconds
        look = _look(recorded, start)
        known.append(
            Evidence(
                looks=(look,),
                answers=recorded.queries,
                troubles=recorded.troubles,
                problems=recorded.problems,
                weight=recording.weight,
                until={cluster: ends.get(cluster, first) for cluster in clusters},
            )
        )
    return State.start(at=first), known


def _look(recorded: RecordedLook, start: float) -> Look:
    return Look(
        cluster=recorded.cluster,
        start=start,
        end=start + recorded.seconds,
        canary=_counts(recorded.canary),
        stable=_counts(recorded.stable),
        pods=tuple(_counts(pod) for pod in recorded.pods),
    )


def _counts(version: Version) -> Counts:
    if version.errors > version.requests:
        message = f"{version.errors} of {version.requests} requests cannot have failed"
        raise _wrong(version.marks.of("errors"), message, "Errors are among the requests.")
    timed = version.timed if version.timed is not None else version.requests if version.slower else 0
    slower = {}
    for text, slow in version.slower.items():
        try:
            bound = float(text)
        except ValueError:
            bound = float("nan")
        if not isfinite(bound) or bound < 0:
            raise _wrong(version.marks.item("slower", text), f"'{text}' is no bound", "Use milliseconds, like '250'.")
        slower[bound] = slow
    ordered = [timed, *(slower[bound] for bound in sorted(slower))]
    if ordered != sorted(ordered, reverse=True):
        message = "more requests are slower than a bound than than a lower one, or than were timed"
        raise _wrong(version.marks.of("slower"), message, "Count all that took longer than the bound.")
    return Counts(requests=version.requests, errors=version.errors, timed=timed, slower=dict(sorted(slower.items())))


def _from_series(recording: Recording, analysis: Analysis) -> tuple[State, list[Evidence]]:
    if recording.versions is None:
        raise _wrong(recording.marks.of("series"), "'series' do not say which version is the canary", "Add 'versions'.")
    at = recording.marks.of("series")
    recorded = {cluster: _Recorded(tuple(_series(value, at))) for cluster, value in recording.series.items()}
    times = [time for each in recorded.values() for one in each.series for time, _ in one.samples]
    if not times:
        raise _wrong(at, "the series have no samples", "Record them with a range selector, such as [1h].")
    state = State.start(at=min(times) if recording.since is None else recording.since)
    target = Target(
        service="", namespace="", canary=recording.versions.canary, stable=recording.versions.stable,
        weight=recording.weight,
    )  # fmt: skip
    evidence = observe(recorded, target, state, analysis, now=max(times))
    looks = sorted(evidence.looks, key=lambda look: (look.end, look.cluster))
    until = dict.fromkeys(recorded, state.started)
    first = Evidence(history=evidence.history, problems=evidence.problems, weight=recording.weight, until=until)
    return state, [
        Evidence(looks=(look,), history=first.history, problems=evidence.problems, weight=recording.weight, until=until)
        for look in looks
    ] or [first]


class _Recorded:
    """Recorded series in the place of a Prometheus."""

    def __init__(self, series: tuple[Series, ...]) -> None:
        self.series = series

    def samples(self, selector: str, *, start: float, end: float) -> tuple[Series, ...]:
        durations = selector.startswith(istio.DURATIONS)
        return tuple(
            Series(labels=one.labels, samples=tuple(pair for pair in one.samples if start < pair[0] <= end))
            for one in self.series
            if (one.labels.get("__name__") == istio.DURATIONS) == durations
        )

    def number(self, query: str, *, at: float) -> float | None:
        return None


def _series(value: Any, at: Position) -> Iterator[Series]:
    if isinstance(value, dict):  # a whole reply of Prometheus
        value = value.get("data", value)
        value = value.get("result", value) if isinstance(value, dict) else value
    if not isinstance(value, list):
        raise _wrong(at, "each cluster's series must be a list", "Give the 'result' of Prometheus' reply.")
    for one in value:
        try:
            labels = {str(label): str(text) for label, text in one["metric"].items()}
            samples = tuple((float(time), float(text)) for time, text in one["values"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _wrong(
                at, f"a series is not as Prometheus gives it: {error!r}", "Give 'metric' and 'values'."
            ) from error
        yield Series(labels=labels, samples=tuple(sorted(samples)))


def _wrong(position: Position, message: str, help_: str) -> InvalidInput:
    return InvalidInput([Finding(rule="recorded-series", message=f"{message}.", position=position, help=help_)])
