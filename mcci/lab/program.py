"""A program of the lab: started, looked at and stopped as often as one likes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from mcci.clients.daemons import Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Program(ABC):
    """Started by `with`, stopped at its end. `name` is what people are told; `launched` hears of each new process."""

    name = ""
    grace = 5.0  # seconds between SIGTERM and SIGKILL
    launched: Callable[[int], None] | None = None
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
            self._daemon.stop(self.grace)
            self._daemon = None

    def _launch(self, arguments: Sequence[str], log: Path) -> Daemon:
        """Start its process, with its output in `log`."""
        self._daemon = Daemon(arguments, log=log)
        if self.launched is not None:
            self.launched(self._daemon.pid)
        return self._daemon

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
