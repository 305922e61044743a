"""A job's log on its way to GitLab: sections, masked values, the limit, and what GitLab says of the job meanwhile."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcci.clients.gitlab_runner import Refused
from mcci.errors import ServiceFailed
from mcci.rehearsal.gitlab.trace import LIMIT, Masker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcci.clients.gitlab_runner import Coordinator
    from mcci.rehearsal.runner.job import RunnerJob

INTERVAL = 0.3  # seconds between two pieces
SILENCE = 1.0  # seconds without a word to GitLab
GONE = frozenset({"canceled", "failed"})


class Log:
    """Collects what a job says and sends it from a thread.

    `canceled` is set once GitLab wants the job to end, `gone` once it does not even wait for its `after_script`.
    """

    def __init__(self, coordinator: Coordinator, job: RunnerJob) -> None:
        self.canceled = threading.Event()
        self.gone = threading.Event()
        self._coordinator = coordinator
        self._job = job
        self._masker = Masker(job.masked)
        self._waiting = bytearray()
        self._sent = 0
        self._taken = 0
        self._heard = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_sending, name=f"log {job.id}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Take what the job says. Beyond the limit it is thrown away, so that a job that floods does not hang."""
        with self._lock:
            if self._taken <= LIMIT:
                shown = self._masker.feed(data)
                self._taken += len(shown)
                self._waiting += shown

    def say(self, text: str) -> None:
        """Add a line of the runner's own."""
        self.write(f"{text}\n".encode())

    @contextmanager
    def section(self, name: str, title: str) -> Iterator[None]:
        """Mark a section that GitLab's page folds. Source: https://docs.gitlab.com/ci/jobs/job_logs/"""
        self.write(f"section_start:{int(time.time())}:{name}\r\x1b[0K\x1b[36;1m{title}\x1b[0;m\n".encode())
        try:
            yield
        finally:
            self.write(f"section_end:{int(time.time())}:{name}\r\x1b[0K".encode())

    def close(self) -> None:
        """Send the rest."""
        with self._lock:
            self._waiting += self._masker.flush()
        self._ended.set()
        self._thread.join()
        self._send()

    def _keep_sending(self) -> None:
        while not self._ended.wait(INTERVAL):
            self._send()

    def _send(self) -> None:
        with self._lock:
            data = bytes(self._waiting)
            self._waiting.clear()
        try:
            status = self._piece(data)
        except (Refused, ServiceFailed):
            status = "canceled"
        if status in GONE:
            self.gone.set()
        if status == "canceling" or self.gone.is_set():
            self.canceled.set()

    def _piece(self, data: bytes) -> str:
        """Send a piece, or a sign of life where there has been none for a while; return the job's status."""
        now = time.monotonic()
        if data:
            status = self._coordinator.log(self._job.id, self._job.token, data, self._sent)
            self._sent += len(data)
        elif not self._ended.is_set() and now - self._heard > SILENCE:
            status = self._coordinator.update(self._job.id, self._job.token, "running")
        else:
            return ""
        self._heard = now
        return status
