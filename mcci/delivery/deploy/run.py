"""A whole deploy: every cluster is opened, locked and checked first; then wave by wave they change."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mcci.delivery.deploy.session import AT_ONCE
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from mcci.delivery.deploy.cluster import ClusterDeploy, Outcome

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one cluster, and in how many seconds."""

    cluster: str
    outcomes: tuple[Outcome, ...]
    seconds: float


class Deploy:
    """A deploy to all clusters of `waves`. Use it as a context: the locks are given back at its end."""

    def __init__(self, waves: Sequence[Sequence[ClusterDeploy]]) -> None:
        self.waves = waves
        self.clusters = [each for wave in waves for each in wave]
        self.done: list[Done] = []

    def __enter__(self) -> Deploy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._each(self.clusters, lambda each: each.close())

    def open(self, *, lock: bool) -> None:
        """Look at every cluster, and decide. With `lock` they stay locked. Changes nothing else."""
        self._each(self.clusters, lambda each: each.open(lock=lock))

    def check(self) -> None:
        """Render all that would change. Raises `ChartRefused` before any cluster is changed."""
        renders: dict[str, Callable[[], str]] = {}
        for each in self.clusters:
            for found in each.prepared():
                renders.setdefault(found.fingerprint, each.rendering(found))
        if len(renders) <= 1:  # helm renders it itself before it changes anything
            return
        self._each(list(renders.values()), lambda render: render())

    def run(self) -> list[Done]:
        """Change the clusters, wave by wave; a wave begins when all of the one before have succeeded.

        Raises the first error. What succeeded stays, and is in `done`.
        """
        for wave in self.waves:
            self._each(wave, self._one)
        return self.done

    def _one(self, cluster: ClusterDeploy) -> None:
        begun = time.monotonic()
        outcomes = cluster.run()
        self.done.append(Done(cluster=cluster.name, outcomes=outcomes, seconds=time.monotonic() - begun))

    def _each(self, items: Sequence[Result], act: Callable[[Result], object]) -> None:
        """Do `act` for all `items` at once. When this thread is interrupted, all clusters are told to stop.

        Every one is let come to its end; then the first error is raised, one that is no `McciError` before others.
        """
        if not items:
            return
        with ThreadPoolExecutor(min(len(items), 4 * AT_ONCE), thread_name_prefix="deploy") as pool:
            futures = [pool.submit(act, each) for each in items]
            try:
                errors = [error for future in futures if (error := future.exception())]
            except BaseException:
                for future in futures:
                    future.cancel()
                for cluster in self.clusters:
                    cluster.stop()
                raise
        for error in sorted(errors, key=lambda each: isinstance(each, McciError)):
            raise error
