"""The parts of a lab, in the order in which they start: a module each, of one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mcci.lab.parts import clusters, engine, load, mesh, metrics, network, registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from mcci.lab.plan import Folder, Plan

Facts = dict[str, Any]


class Part(Protocol):
    """A part. `start` puts how it is ended on the stack, tells each step to `say`, and returns what users are told."""

    NAME: str

    def start(self, plan: Plan, folder: Folder, stack: ExitStack, say: Callable[[str], None], /) -> Facts:
        """Start it; returns once it can be used."""

    def clean(self, plan: Plan, folder: Folder, facts: Facts, /) -> None:
        """End what is left of it after its supervisor was killed."""


PARTS: tuple[Part, ...] = (registry, engine, clusters, network, mesh, metrics, load)
