"""Time that tests move: one world, and in it clocks that start elsewhere and run at other speeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class World:
    """True time, in seconds. `passing` is called when it has moved: what else goes on meanwhile."""

    time: float = 0.0
    passing: list[Callable[[], object]] = field(default_factory=list)

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
        for each in self.passing:
            each()


@dataclass(slots=True)
class FakeClock:
    """A process's clock: `rate` is its speed, `offset` where it started, `skew` how wrong its time of day is."""

    world: World = field(default_factory=World)
    rate: float = 1.0
    offset: float = 0.0
    skew: float = 0.0

    def elapsed(self) -> float:
        """Return this clock's seconds."""
        return self.offset + self.rate * self.world.time

    def now(self) -> datetime:
        """Return this clock's time of day."""
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.skew + self.rate * self.world.time)

    def sleep(self, seconds: float) -> None:
        """Let the world's time pass until this clock has moved by `seconds`."""
        self.world.pass_(seconds / self.rate)
