"""Where a job's scripts run. The shell of this machine is the plainest."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Protocol

from mcci.clients import shell

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mcci.rehearsal.runner.job import RunnerJob

# What a job may know of the machine: where programs are, and how they speak.
PASSED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "TERM",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_INDEX_URL",
    "PIP_CONFIG_FILE",
)


class Executor(Protocol):
    """Runs the scripts of jobs, several at a time."""

    name: str

    def prepare(self, job: RunnerJob, clone: Path) -> Iterator[str]:
        """Make ready what the job runs in, and give lines for its log. Raises `ServiceFailed`."""

    def inside(self, path: Path) -> str:
        """Return where a folder of the runner's is, as a script sees it."""

    def run(
        self, job: RunnerJob, script: str, clone: Path, environment: Mapping[str, str], *,
        output: Callable[[bytes], None], stop: threading.Event, timeout: float, grace: float,
    ) -> int:  # fmt: skip
        """Run a script and return its exit code. Raises `shell.TimedOut` and `shell.Stopped`."""

    def clean(self, job: RunnerJob) -> None:
        """End what the job left running."""


class Shell:
    """Runs jobs in a shell of this machine, with a home and a temporary folder of the job's own."""

    name = "shell"

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is given to every job beside its variables: how the machine's own parts are reached."""
        self._environment = {name: os.environ[name] for name in PASSED if name in os.environ} | dict(environment or {})
        self._program = shutil.which("bash") or "/bin/sh"

    def prepare(self, job: RunnerJob, clone: Path) -> Iterator[str]:
        """Say so where the job wants an image: here it gets none."""
        home = clone.parent / "home"
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        if job.image is not None:
            yield f"The job's image {job.image.name} is not used: it runs in a shell of this machine."
        for service in job.services:
            yield f"WARNING: the service {service.name} is not started: services need a container engine."

    def inside(self, path: Path) -> str:
        """Return the path itself."""
        return str(path)

    def run(
        self, job: RunnerJob, script: str, clone: Path, environment: Mapping[str, str], *,
        output: Callable[[bytes], None], stop: threading.Event, timeout: float, grace: float,
    ) -> int:  # fmt: skip
        """Run a script with bash where there is one, else with sh."""
        home = clone.parent / "home"
        file = clone.parent / "script.sh"  # not the shell's input: what a command reads of that is not the script
        file.write_text(script)
        own = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "SHELL": self._program, "USER": "gitlab-runner"}
        return shell.run(
            [self._program, str(file)], folder=clone, environment={**self._environment, **own, **environment},
            mark=shell.mark_of(job.token), output=output, stop=stop, timeout=timeout, grace=grace,
        )  # fmt: skip

    def clean(self, job: RunnerJob) -> None:
        """End what carries the job's mark."""
        shell.end_marked(shell.mark_of(job.token))
