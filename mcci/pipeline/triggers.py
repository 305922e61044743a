"""`trigger`: the pipeline that a job starts, below this one or in another project.

https://docs.gitlab.com/ci/yaml/#trigger
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcci.findings import Position
from mcci.pipeline.document import List, Map

Report = Callable[[str, str, Position], None]

MAX_FILES = 3
_KINDS = ("artifact", "local", "project", "template", "remote", "component")
_KEYS = frozenset(("include", "project", "branch", "strategy", "forward", "inputs"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerInclude:
    """One file of a child pipeline: `local`; or `project` and `file`; or an `artifact` of a `job`; and others."""

    kind: str
    value: str
    project: str | None = None
    ref: str | None = None
    job: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """`trigger`: a child pipeline (`include`) or another project's (`project`, `branch`)."""

    include: tuple[TriggerInclude, ...] = ()
    project: str | None = None
    branch: str | None = None
    strategy: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    forward_yaml_variables: bool = True
    forward_pipeline_variables: bool = False
    position: Position


def read_trigger(value: Any, holder: Map, owner: str, report: Report) -> Trigger | None:
    """Return what `holder`'s `trigger` says; None (reported) when it says nothing that GitLab takes."""
    where = holder.value_position("trigger")
    if isinstance(value, str):
        return Trigger(project=value, position=where)
    if not isinstance(value, Map) or ("include" not in value and "project" not in value):
        report("trigger", f"{owner}: trigger should name a project, or have include or project", where)
        return None
    for key in value:
        if key not in _KEYS:
            report("unknown-keyword", f"{owner}: trigger has no keyword '{key}'", value.position(key))
    forward = value.get("forward")
    forward = forward if isinstance(forward, Map) else {}
    inputs = value.get("inputs")
    strategy = value.get("strategy")
    if strategy not in (None, "depend", "mirror"):
        report("trigger", f"{owner}: strategy should be depend or mirror", value.value_position("strategy"))
    return Trigger(
        include=tuple(_includes(value, owner, report)) if "include" in value else (),
        project=None if value.get("project") is None else str(value["project"]),
        branch=None if value.get("branch") is None else str(value["branch"]),
        strategy=strategy if isinstance(strategy, str) else None,
        inputs=inputs if isinstance(inputs, Map) else {},
        forward_yaml_variables=forward.get("yaml_variables", True) is not False,
        forward_pipeline_variables=forward.get("pipeline_variables", False) is True,
        position=where,
    )


def _includes(trigger: Map, owner: str, report: Report) -> Iterator[TriggerInclude]:
    include = trigger["include"]
    items = include if isinstance(include, List) else [include]
    where = trigger.value_position("include")
    if len(items) > MAX_FILES:
        report("trigger", f"{owner}: trigger:include takes at most {MAX_FILES} files", where)
    for item in items:
        if isinstance(item, str):
            yield TriggerInclude(kind="local", value=item, position=where)
            continue
        kind = next((key for key in _KINDS if isinstance(item, Map) and key in item), None)
        if kind is None or not isinstance(item[kind], str):
            report("trigger", f"{owner}: trigger:include should name a file", where)
            continue
        yield from _files(item, kind)


def _files(item: Map, kind: str) -> Iterator[TriggerInclude]:
    named = item.get("file") if kind == "project" else item[kind]
    inputs = item.get("inputs")
    for file in named if isinstance(named, List) else [named]:
        yield TriggerInclude(
            kind=kind,
            value=str(file),
            project=item["project"] if kind == "project" else None,
            ref=None if item.get("ref") is None else str(item["ref"]),
            job=None if item.get("job") is None else str(item["job"]),
            inputs=inputs if isinstance(inputs, Map) else {},
            position=item.value_position(kind),
        )
