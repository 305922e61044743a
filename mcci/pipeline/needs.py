"""`needs`: the jobs (or pipelines) that a job waits for or takes artifacts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map
from mcci.pipeline.parallel import combinations

Report = Callable[[str, str, Position], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One entry of `needs`.

    A need of this pipeline names a `job` only. With `project` and `ref`, or `pipeline`, it takes artifacts from another
    pipeline (or, `pipeline` alone, mirrors its status) and waits for no job of this one. `matrix` selects instances of
    a job with `parallel:matrix`.
    """

    job: str | None
    optional: bool = False
    artifacts: bool = True
    matrix: tuple[tuple[tuple[str, str], ...], ...] | None = None
    project: str | None = None
    ref: str | None = None
    pipeline: str | None = None
    origin: Map | List = field(repr=False, compare=False)
    index: int | None = field(default=None, repr=False, compare=False)

    @property
    def position(self) -> Position:
        """Return where the need stands: the name of its job, where it says one."""
        if isinstance(self.origin, List):
            return self.origin.position(self.index)
        return self.origin.value_position("job") if "job" in self.origin else self.origin.position()

    @property
    def is_here(self) -> bool:
        """Return whether the needed job belongs to the same pipeline."""
        return self.project is None and self.pipeline is None


_KEYS = {"job", "artifacts", "optional", "parallel", "project", "ref", "pipeline"}


def read_needs(value: Any, holder: Map, owner: str, report: Report) -> tuple[Need, ...]:
    """Return the needs that `value`, the `needs` of `holder`, lists; what is wrong in it is reported."""
    if isinstance(value, Map):
        need = _mapping(value, owner, report)
        return (need,) if need else ()
    if not isinstance(value, List):
        report("needs", f"{owner}: needs should be a list of jobs", holder.value_position("needs"))
        return ()
    needs: list[Need] = []
    for index, item in enumerate(value):
        if isinstance(item, str):
            needs.append(Need(job=item, origin=value, index=index))
        elif isinstance(item, Map):
            need = _mapping(item, owner, report)
            if need:
                needs.append(need)
        else:
            report("needs", f"{owner}: a need has an unsupported type: name a job", value.position(index))
    return tuple(needs)


def _mapping(value: Map, owner: str, report: Report) -> Need | None:
    for key in value:
        if key not in _KEYS:
            report("unknown-keyword", f"{owner}: a need has no keyword '{key}'", value.position(key))
    job, project, pipeline, ref = (value.get(key) for key in ("job", "project", "pipeline", "ref"))
    if job is None and pipeline is None:
        report("needs", f"{owner}: a need should name a job", value.position())
        return None
    if project is not None and (job is None or ref is None or "artifacts" not in value):
        report("needs", f"{owner}: a need of another project names job, ref and artifacts", value.position())
    return Need(
        job=None if job is None else str(job),
        optional=_boolean(value, "optional", False, owner, report),
        artifacts=_boolean(value, "artifacts", True, owner, report),
        matrix=_matrix(value, owner, report),
        project=None if project is None else str(project),
        ref=None if ref is None else str(ref),
        pipeline=None if pipeline is None else str(pipeline),
        origin=value,
    )


def _boolean(value: Map, key: str, default: bool, owner: str, report: Report) -> bool:
    given = value.get(key, default)
    if isinstance(given, bool):
        return given
    report("needs", f"{owner}: {key} in a need should be true or false", value.value_position(key))
    return default


def _matrix(value: Map, owner: str, report: Report) -> tuple[tuple[tuple[str, str], ...], ...] | None:
    if "parallel" not in value:
        return None
    parallel = value["parallel"]
    if not isinstance(parallel, Map) or "matrix" not in parallel:
        report("needs", f"{owner}: parallel in a need has a matrix", value.value_position("parallel"))
        return None
    return combinations(parallel["matrix"], parallel.value_position("matrix"), owner, report)
