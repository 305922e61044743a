"""A program of the mesh: started, looked at and stopped as often as one likes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from mcci.clients.daemons import Daemon


class Program(ABC):
    """Started by `with`, stopped at its end."""

    _daemon: Daemon | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it, and return once it can be used. Raises `McciError`."""

    @property
    def pid(self) -> int:
        """Its process; 0 where it does not run."""
        return self._daemon.pid if self._daemon is not None else 0

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._daemon is not None and self._daemon.running

    def stop(self) -> None:
        """Stop it; does nothing where it does not run."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
