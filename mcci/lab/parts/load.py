"""The load: a process that sends requests to the services, while any are wanted (`mcci lab up --load`)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mcci.lab.load import model
from mcci.lab.parts.kept import end_left, keep
from mcci.lab.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

NAME = "load"


class Generator(Program):
    """The sender of a lab's load."""

    name = "load"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def start(self) -> None:
        """Start it; it says by itself what it waits for."""
        command = [sys.executable, "-m", "mcci.lab.load.generator", str(self._folder.path)]
        self._launch(command, self._folder.path / NAME / "log")


def start(plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None]) -> dict[str, Any]:
    """Begin to look whether load is wanted."""
    del plan, say
    (folder.path / NAME).mkdir(exist_ok=True)
    keep([Generator(folder)], stack, folder, NAME, wanted=lambda: bool(model.wanted(folder)))
    return {}


def clean(plan: Plan, folder: Folder, facts: dict[str, Any]) -> None:
    """End the sender that a killed supervisor has left."""
    del plan, facts
    end_left(folder, NAME)
