"""What became of a scenario: the statuses after each event, and each difference from what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcci.errors import ExitCode
from mcci.findings import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A status that is not as expected. `actual` is None for what the pipeline does not have."""

    pipeline: str
    kind: str
    name: str
    expected: str
    actual: str | None
    position: Position

    def __str__(self) -> str:
        pipeline = f"pipeline '{self.pipeline}'" if self.pipeline else "the pipeline"
        what = f"{self.kind} '{self.name}'" if self.name else pipeline
        if self.name and self.pipeline:
            what = f"{what} of {pipeline}"
        actual = f"is {self.actual}" if self.actual is not None else "is not there"
        return f"{what} {actual}, expected {self.expected}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """One pipeline at one moment, by GitLab's own names."""

    pipeline: str
    stages: dict[str, str]
    jobs: dict[str, str]

    def document(self) -> dict[str, Any]:
        return {"pipeline": self.pipeline, "stages": self.stages, "jobs": self.jobs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is after one event. `statuses` has the main pipeline under the empty name."""

    event: str
    position: Position
    refused: tuple[str, ...]
    differences: tuple[Difference, ...]
    statuses: dict[str, Statuses]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of `mcci simulate --scenario`."""

    file: str
    title: str
    source: str
    expectations: int
    snapshots: tuple[Snapshot, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(difference for snapshot in self.snapshots for difference in snapshot.differences)

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.NO if self.differences else ExitCode.DONE

    def text(self) -> str:
        """Return the report as lines for people: each difference with its place, then one line that sums up."""
        return "\n".join(self._lines())

    def document(self) -> dict[str, Any]:
        """Return the report as the body of a JSON document (`mcci.scenario/1`)."""
        return {
            "file": self.file,
            "title": self.title,
            "source": self.source,
            "passed": not self.differences,
            "expectations": self.expectations,
            "steps": [_step(snapshot) for snapshot in self.snapshots],
        }

    def _lines(self) -> Iterator[str]:
        for snapshot in self.snapshots:
            for refusal in snapshot.refused:
                yield f"{snapshot.position}: note: {refusal}"
            for difference in snapshot.differences:
                yield f"{difference.position}: {snapshot.event}: {difference}"
        steps = f"{_count(len(self.snapshots) - 1, 'event', 's')}, {_count(self.expectations, 'status', 'es')}"
        name = self.title or self.file
        wrong = len(self.differences)
        yield f"{name}: {steps}, " + (f"{wrong} not as expected" if wrong else "all as expected")


def _count(number: int, noun: str, ending: str) -> str:
    return f"{number} {noun}{'' if number == 1 else ending}"


def _step(snapshot: Snapshot) -> dict[str, Any]:
    main, others = snapshot.statuses[""], {name: item for name, item in snapshot.statuses.items() if name}
    return {
        "event": snapshot.event,
        "line": snapshot.position.line,
        **main.document(),
        "pipelines": {name: item.document() for name, item in others.items()},
        "refused": list(snapshot.refused),
        "differences": [
            {
                "in": difference.pipeline,
                "kind": difference.kind,
                "name": difference.name,
                "expected": difference.expected,
                "actual": difference.actual,
                "line": difference.position.line,
                "column": difference.position.column,
            }
            for difference in snapshot.differences
        ],
    }
