"""A scenario's file → values. Every mistake is a finding at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.errors import InvalidInput
from mcci.findings import Finding, Position
from mcci.pipeline import document
from mcci.pipeline.document import List, Map
from mcci.rehearsal.scenario.model import Action, Scenario, Step
from mcci.rehearsal.scenario.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RULE = "rehearsal"


def read(text: str, file: Path) -> Scenario:
    """Return the scenario that the text of `file` holds. Raises `InvalidInput` with all that is wrong in it."""
    documents = document.read(text, str(file))
    if len(documents) != 1 or not isinstance(documents[0], Map):
        position = Position(file=str(file))
        message = "a scenario is one YAML mapping with the keys title and steps"
        raise InvalidInput([Finding(rule=RULE, message=message, position=position)])
    root = documents[0]
    if findings := [*_by_schema(root), *_by_steps(root)]:
        raise InvalidInput(findings)
    return Scenario(
        file=str(file),
        title=root["title"],
        description=root.get("description", ""),
        project=(file.parent / root.get("project", "..")).resolve(),
        steps=tuple(_step(each) for each in root["steps"]),
        services=tuple(root.get("services", ())),
        config=root.get("config", {}),
        variables=root.get("variables", {}),
        lab=root.get("lab"),
        seconds=root.get("seconds", 600),
    )


def _step(raw: Map) -> Step:
    (action,) = (Action(key) for key in raw if key != "name")
    return Step(
        action=action, settings=raw[action.value], position=raw.position(action.value), name=raw.get("name", "")
    )


def _by_schema(root: Map) -> Iterator[Finding]:
    from jsonschema import Draft202012Validator

    from mcci.check.schema_problem import problems

    for problem in problems(Draft202012Validator(SCHEMA).iter_errors(root)):
        place = ".".join(map(str, problem.path)) or "the scenario"
        yield Finding(rule=RULE, message=f"{place} {problem.message}", position=_position(root, problem.path))


def _by_steps(root: Map) -> Iterator[Finding]:
    steps = root.get("steps")
    if not isinstance(steps, List):
        return
    for index, raw in enumerate(steps):
        actions = [key for key in raw if key != "name"] if isinstance(raw, Map) else []
        if len(actions) != 1:
            known = ", ".join(action.value for action in Action)
            message = f"a step does one thing, not {len(actions) or 'nothing'}: one of {known}"
            yield Finding(rule=RULE, message=message, position=steps.position(index))


def _position(root: Map, path: Sequence[Any]) -> Position:
    """Return where the value at `path` stands, or the nearest above it that is there."""
    here: Any = root
    position = root.position()
    for key in path:
        if isinstance(here, Map) and key in here:
            position = here.value_position(key)
        elif isinstance(here, List) and isinstance(key, int) and key < len(here):
            position = here.position(key)
        else:
            break
        here = here[key]
    return position
