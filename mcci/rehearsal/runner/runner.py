"""A runner with several slots: each takes a job, plays it, and asks for the next."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from mcci.clients import shell
from mcci.clients.gitlab_runner import Coordinator, Refused
from mcci.errors import ServiceFailed
from mcci.rehearsal.runner.job import read
from mcci.rehearsal.runner.log import Log
from mcci.rehearsal.runner.play import Bench, play
from mcci.rehearsal.runner.workspace import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcci.rehearsal.runner.executor import Executor
    from mcci.rehearsal.runner.job import RunnerJob


class Runner:
    """Plays a GitLab's jobs, from `with` to its end."""

    def __init__(
        self, folder: Path, *, url: str, token: str, executor: Callable[[RunnerJob], Executor], jobs: int = 2,
        end_left: Callable[[str], None] = shell.end_marked,
    ) -> None:  # fmt: skip
        """`folder` holds clones and caches, `executor` says where a job runs, `jobs` is how many run at once.

        `end_left` ends what a killed runner has left of a job, by the job's mark.
        """
        self._folder = folder
        self._url = url
        self._token = token
        self._executor = executor
        self._end_left = end_left
        self._mirror = Mirror(folder / "mirror.git")
        self._stopped = threading.Event()
        self._logs: dict[int, Log] = {}
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, args=(f"rehearsal-{number}",), name=f"runner {number}", daemon=True)
            for number in range(1, jobs + 1)
        ]

    def start(self) -> None:
        """Begin to take jobs. What a runner that was killed left in this folder is ended first."""
        for left in (self._folder / "builds").glob("*/mark"):
            self._end_left(left.read_text())
        shutil.rmtree(self._folder / "builds", ignore_errors=True)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more, and end what runs."""
        self._stopped.set()
        with self._lock:
            for log in self._logs.values():
                log.canceled.set()
                log.gone.set()
        for thread in self._threads:
            thread.join()

    def _serve(self, name: str) -> None:
        coordinator = Coordinator(self._url, self._token, name, stopped=self._stopped)
        try:
            while not self._stopped.is_set():
                with suppress(ServiceFailed):
                    raw = coordinator.request()
                    if raw is not None:
                        self._play(read(raw), coordinator)
                    continue
                self._stopped.wait(0.2)
        finally:
            coordinator.close()

    def _play(self, job: RunnerJob, coordinator: Coordinator) -> None:
        log = Log(coordinator, job)
        with self._lock:
            self._logs[job.id] = log
        if self._stopped.is_set():
            log.canceled.set()
            log.gone.set()
        bench = Bench(
            folder=self._folder / "builds" / str(job.id),
            caches=self._folder / "caches",
            mirror=self._mirror,
            executor=self._executor(job),
        )
        bench.folder.mkdir(parents=True, exist_ok=True)
        (bench.folder / "mark").write_text(shell.mark_of(job.token))
        try:
            outcome = play(job, bench, log, coordinator)
        finally:
            log.close()
            with self._lock:
                del self._logs[job.id]
        with suppress(Refused):
            coordinator.update(
                job.id, job.token, "success" if outcome.success else "failed",
                exit_code=outcome.exit_code, reason=outcome.reason,
            )  # fmt: skip

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
