"""A scenario as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from mcci.findings import Position


class Action(Enum):
    """What a step does; each is a key of the step in the file."""

    PUSH = "push"
    MERGE = "merge"
    PLAY = "play"
    RETRY = "retry"
    CANCEL = "cancel"
    WAIT = "wait"
    EXPECT = "expect"
    CLUSTER = "cluster"
    KILL = "kill"
    LOAD = "load"
    TRAFFIC = "traffic"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: an action and its settings, as the schema has checked them."""

    action: Action
    settings: Mapping[str, Any]
    position: Position
    name: str = ""

    @property
    def title(self) -> str:
        """What it is called where it is shown."""
        if self.name:
            return self.name
        said = ", ".join(f"{key} {value}" for key, value in self.settings.items() if isinstance(value, str | int))
        return f"{self.action.value} {said}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario. `project` is the folder with mcci.yml; `config` is put over it, for this rehearsal alone.

    `services` are those of mcci.yml that take part; empty: all.
    """

    file: str
    title: str
    description: str
    project: Path
    steps: tuple[Step, ...]
    services: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    lab: Mapping[str, Any] | None = None
    seconds: float = 600.0
