"""`parallel`: one job as many, by count (`test 1/3`) or by a matrix of variables (`test: [linux, 3.11]`).

https://docs.gitlab.com/ci/yaml/#parallel
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.scalars import scalar_text

Report = Callable[[str, str, Position], None]
Combination: TypeAlias = "tuple[tuple[str, str], ...]"

MAX_JOBS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """How often a job runs: `count` times, or once for each combination of its matrix."""

    count: int
    matrix: tuple[Combination, ...] | None = None

    def names(self, job: str) -> list[str]:
        """Return the names of the job's instances, in order."""
        if self.matrix is None:
            return [f"{job} {index}/{self.count}" for index in range(1, self.count + 1)]
        return [instance_name(job, combination) for combination in self.matrix]


def instance_name(job: str, combination: Combination) -> str:
    """Return the name of the instance of a matrix job that has these variables."""
    return f"{job}: [{', '.join(value for _, value in combination)}]"


def read_parallel(value: Any, where: Position, owner: str, report: Report) -> Parallel | None:
    """Return what `parallel` says, or None (reported) when GitLab would refuse it."""
    if isinstance(value, int) and not isinstance(value, bool):
        if 1 <= value <= MAX_JOBS:
            return Parallel(count=value)
        report("parallel", f"{owner}: parallel should be from 1 to {MAX_JOBS}", where)
        return None
    if isinstance(value, Map) and set(value) == {"matrix"}:
        matrix = combinations(value["matrix"], value.value_position("matrix"), owner, report)
        return Parallel(count=len(matrix), matrix=matrix) if matrix else None
    report("parallel", f"{owner}: parallel should be a number, or a mapping with a matrix", where)
    return None


def combinations(value: Any, where: Position, owner: str, report: Report) -> tuple[Combination, ...] | None:
    """Return every combination of a matrix's variables, in order; None (reported) for one that GitLab would refuse."""
    if not isinstance(value, List) or not value or not all(isinstance(row, Map) and row for row in value):
        report("parallel", f"{owner}: matrix should be a list of mappings of variables", where)
        return None
    found: list[Combination] = []
    for row in value:
        for combination in _row(row, owner, report):
            found.append(combination)
            if len(found) > MAX_JOBS:
                report("parallel", f"{owner}: the matrix makes more than {MAX_JOBS} jobs, GitLab's limit", where)
                return None
    return tuple(found)


def _row(row: Map, owner: str, report: Report) -> Iterator[Combination]:
    columns: list[list[str]] = []
    for name, values in row.items():
        items = values if isinstance(values, List) else [values]
        if not items or any(isinstance(item, Map | List) or item is None for item in items):
            message = f"{owner}: the matrix variable '{name}' should have a text, a number, or a list of them"
            report("parallel", message, row.position(name))
            return
        columns.append([scalar_text(item) for item in items])
    for values in product(*columns):
        yield tuple(zip(row, values, strict=True))
