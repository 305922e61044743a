"""Reading a scenario: a CI configuration, what happens to its pipeline, and the statuses expected after each event.

The format is that of GitLab's own processing tests (`config`, `init`, `transitions`), with a few keys more for what one
configuration cannot say: other files and projects that trigger jobs use, further pipelines, resource groups' modes.
Every mistake becomes a finding at its place, so that a scenario never seems to pass because a key was misspelt.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeVar

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline import document
from mcci.pipeline.document import List, Map, Value
from mcci.simulation.events import Source
from mcci.simulation.status.model import Status
from mcci.simulation.status.resources import ProcessMode
from mcci.simulation.status.scenario_model import MAIN, Configured, Event, Expected, Named, Scenario, Step

_E = TypeVar("_E", bound=Enum)
_PIPELINE_KEYS = frozenset({"config", "project", "ref", "target", "sha", "pipeline_source"})
_SCENARIO_KEYS = _PIPELINE_KEYS | {
    "title",
    "source",
    "init",
    "transitions",
    "files",
    "projects",
    "pipelines",
    "resource_groups",
    "variables",
    "cancels_gracefully",
}
_STEP_KEYS = frozenset({"event", "jobs", "pipeline", "stage", "exit_code", "reason", "seconds", "expect"})
_EXPECT_KEYS = frozenset({"pipeline", "stages", "jobs", "pipelines"})


def read(text: str, file: str) -> Scenario:
    """Return the scenario that the text of a file holds.

    Raises `InvalidInput` with all that is wrong in it.
    """
    documents = document.read(text, file)
    if len(documents) != 1 or not isinstance(documents[0], Map):
        message = "a scenario is one YAML mapping with the keys 'config', 'init' and 'transitions'"
        raise InvalidInput([_finding("scenario-shape", message, Position(file=file))])
    reader = _Reader()
    scenario = reader.scenario(documents[0])
    if scenario is None or reader.findings:
        raise InvalidInput(reader.findings)
    return scenario


def _finding(rule: str, message: str, position: Position) -> Finding:
    return Finding(rule=rule, message=message, position=position)


class _Reader:
    """Reads values and notes what is wrong; where something is missing, it goes on with a harmless value."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def wrong(self, message: str, position: Position, rule: str = "scenario-value") -> None:
        self.findings.append(_finding(rule, message, position))

    def scenario(self, root: Map) -> Scenario | None:
        self.known(root, _SCENARIO_KEYS, "a scenario")
        configured = self.configured(root, "a scenario")
        steps = [self.init(root), *self.transitions(root)]
        if configured is None:
            return None
        return Scenario(
            title=self.text(root, "title", ""),
            source=self.text(root, "source", ""),
            main=configured,
            steps=tuple(steps),
            files=self.maps(root, "files"),
            projects=self.maps(root, "projects"),
            pipelines=dict(self.pipelines(root)),
            modes=dict(self.modes(root)),
            variables={key: self.text(item, key, "") for item in [self.map(root, "variables")] for key in item},
            cancels_gracefully=self.flag(root, "cancels_gracefully"),
        )

    def configured(self, root: Map, where: str) -> Configured | None:
        config = root.get("config")
        if not isinstance(config, Map):
            problem = "must be a mapping, a CI configuration" if "config" in root else "is missing"
            self.wrong(f"'config' of {where} {problem}", root.value_position("config"), "scenario-config")
            return None
        return Configured(
            config=config,
            project=self.text(root, "project", "group/project"),
            ref=self.text(root, "ref", "main"),
            target=self.text(root, "target", "main"),
            sha=self.text(root, "sha", ""),
            source=self.pipeline_source(root),
        )

    def pipeline_source(self, root: Map) -> Source:
        if "pipeline_source" not in root:
            return Source.PUSH
        where = root.value_position("pipeline_source")
        return self.member(Source, root["pipeline_source"], "pipeline source", where) or Source.PUSH

    def pipelines(self, root: Map) -> Iterator[tuple[str, Configured]]:
        for name, item in self.maps(root, "pipelines").items():
            self.known(item, _PIPELINE_KEYS, f"pipeline '{name}'")
            configured = self.configured(item, f"pipeline '{name}'")
            if configured is not None:
                yield name, configured

    def modes(self, root: Map) -> Iterator[tuple[str, ProcessMode]]:
        groups = self.map(root, "resource_groups")
        for name, value in groups.items():
            mode = self.member(ProcessMode, value, "process mode", groups.value_position(name))
            if mode is not None:
                yield name, mode

    def init(self, root: Map) -> Step:
        init = self.map(root, "init")
        self.known(init, frozenset({"expect"}), "'init'")
        position = root.position("init")
        return Step(event=None, expected=tuple(self.expected(self.map(init, "expect"), MAIN)), position=position)

    def transitions(self, root: Map) -> Iterator[Step]:
        transitions = root.get("transitions")
        if transitions is None:
            return
        if not isinstance(transitions, List):
            self.wrong("'transitions' must be a list of events", root.value_position("transitions"))
            return
        for index, item in enumerate(transitions):
            if isinstance(item, Map):
                step = self.step(item)
                if step is not None:
                    yield step
            else:
                self.wrong("a transition must be a mapping with the key 'event'", transitions.position(index))

    def step(self, item: Map) -> Step | None:
        self.known(item, _STEP_KEYS, "a transition")
        event = self.member(Event, item.get("event"), "event", item.value_position("event"))
        if event is None:
            return None
        if event is Event.START and "pipeline" not in item:
            self.wrong("the event 'start' must name a 'pipeline' of this scenario", item.position())
        return Step(
            event=event,
            expected=tuple(self.expected(self.map(item, "expect"), MAIN)),
            position=item.position(),
            jobs=self.jobs(item),
            pipeline=self.named(item, "pipeline"),
            stage=self.named(item, "stage"),
            exit_code=self.number(item, "exit_code"),
            reason=self.text(item, "reason", "script_failure"),
            seconds=self.number(item, "seconds") or 0,
        )

    def jobs(self, item: Map) -> tuple[Named, ...] | None:
        jobs = item.get("jobs")
        if jobs is None:
            return None
        if not isinstance(jobs, List) or not all(isinstance(name, str) for name in jobs):
            self.wrong("'jobs' must be a list of job names", item.value_position("jobs"))
            return None
        return tuple(Named(name=str(name), position=jobs.position(index)) for index, name in enumerate(jobs))

    def named(self, item: Map, key: str) -> Named | None:
        return Named(name=self.text(item, key, ""), position=item.value_position(key)) if key in item else None

    def expected(self, expect: Map, pipeline: str) -> Iterator[Expected]:
        self.known(expect, _EXPECT_KEYS, "'expect'")
        if "pipeline" in expect:
            yield from self.status(pipeline, "pipeline", "", expect, "pipeline")
        for kind, key in (("stage", "stages"), ("job", "jobs")):
            statuses = self.map(expect, key)
            for name in statuses:
                yield from self.status(pipeline, kind, name, statuses, name)
        for name, other in self.maps(expect, "pipelines").items():
            yield from self.expected(other, name)

    def status(self, pipeline: str, kind: str, name: str, item: Map, key: str) -> Iterator[Expected]:
        position = item.value_position(key)
        status = self.member(Status, item.get(key), "status", position)
        if status is not None:
            yield Expected(pipeline=pipeline, kind=kind, name=name, status=status, position=position)

    def known(self, item: Map, keys: frozenset[str], where: str) -> None:
        for key in item:
            if key not in keys:
                allowed = ", ".join(sorted(keys))
                self.wrong(f"{where} has no key '{key}'; the keys are: {allowed}", item.position(key), "scenario-key")

    def member(self, kind: type[_E], value: Value, what: str, position: Position) -> _E | None:
        for member in kind:
            if member.value == value:
                return member
        allowed = ", ".join(str(member.value) for member in kind)
        self.wrong(f"{_shown(value)} is no {what}; there are: {allowed}", position)
        return None

    def map(self, item: Map, key: str) -> Map:
        value = item.get(key)
        if isinstance(value, Map):
            return value
        if value is not None:
            self.wrong(f"'{key}' must be a mapping", item.value_position(key))
        return Map(item.file, item.node)

    def maps(self, item: Map, key: str) -> dict[str, Map]:
        outer = self.map(item, key)
        return {name: self.map(outer, name) for name in outer}

    def text(self, item: Map, key: str, default: str) -> str:
        value = item.get(key, default)
        if isinstance(value, str):
            return value
        self.wrong(f"'{key}' must be text, not {_shown(value)}", item.value_position(key))
        return default

    def flag(self, item: Map, key: str) -> bool:
        value = item.get(key, False)
        if not isinstance(value, bool):
            self.wrong(f"'{key}' must be true or false, not {_shown(value)}", item.value_position(key))
        return value is True

    def number(self, item: Map, key: str) -> int | None:
        value = item.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        self.wrong(f"'{key}' must be a whole number, not {_shown(value)}", item.value_position(key))
        return None


def _shown(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (Map, List)):
        return "a mapping" if isinstance(value, Map) else "a list"
    return f"'{value}'"
