"""Work on several services at once, within a bound, each after those it depends on."""

from __future__ import annotations

import queue
import threading
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Generic, TypeVar

from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Result = TypeVar("Result")
PATIENCE = 2.0  # seconds that work is given to end after `stop`; the engine ends what is left with the connection


class NotBegun(McciError):
    """Something that this work needs has failed."""


class Concurrently(Generic[Result]):
    """Runs `work(name)` for each name. The threads do not outlive a process that is told to end."""

    def __init__(self, work: Callable[[str], Result], bound: int, stop: Callable[[], None]) -> None:
        self._work = work
        self._bound = bound
        self._stop = stop
        self._done: queue.Queue[tuple[str, Result | BaseException]] = queue.Queue()

    def run(self, needs: Mapping[str, Sequence[str]]) -> dict[str, Result | McciError]:
        """Return each name's result or the error it ended with; `needs` names what must have succeeded before.

        An error that is not a `McciError` is raised. When this thread is interrupted, all work is stopped first.
        """
        order = TopologicalSorter({name: [each for each in wanted if each in needs] for name, wanted in needs.items()})
        order.prepare()
        results: dict[str, Result | McciError] = {}
        waiting: list[str] = []
        threads: dict[str, threading.Thread] = {}
        try:
            while order.is_active():
                waiting += order.get_ready()
                while waiting and len(threads) < self._bound:
                    name = waiting.pop(0)
                    failed = [each for each in needs[name] if isinstance(results.get(each), McciError)]
                    if failed:
                        results[name] = NotBegun(f"{name} was not begun: it depends on {failed[0]}, which failed.")
                        order.done(name)
                        waiting += order.get_ready()
                        continue
                    threads[name] = threading.Thread(target=self._one, args=(name,), daemon=True, name=name)
                    threads[name].start()
                if not threads:
                    continue
                name, result = self._done.get()
                threads.pop(name).join()
                if isinstance(result, BaseException) and not isinstance(result, McciError):
                    raise result
                results[name] = result
                order.done(name)
        except BaseException:
            self._stop()
            for thread in threads.values():
                thread.join(PATIENCE / len(threads))
            raise
        return {name: results[name] for name in needs}

    def _one(self, name: str) -> None:
        try:
            self._done.put((name, self._work(name)))
        except BaseException as error:  # handed to the thread that waits, which raises it
            self._done.put((name, error))
