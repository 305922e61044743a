"""GitLab's runner protocol, from a runner's side.

Source: GitLab Runner's `network/gitlab.go`
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcci.errors import ServiceFailed

if TYPE_CHECKING:
    import httpx

TIMEOUT = 60.0  # seconds
PATIENCE = 60.0  # seconds that a job's messages wait for a server that is away
PAUSE = 0.3  # seconds between two attempts
POLL = 1.0  # seconds that the server may wait for a job; a runner that is stopped waits as long


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Exception):
    """The server wants no more of this job: it was canceled, or is somebody else's."""

    status: int


class Coordinator:
    """A GitLab that gives out jobs. One for a thread."""

    def __init__(
        self, url: str, token: str, name: str, *, patience: float = PATIENCE, stopped: threading.Event | None = None
    ) -> None:
        """`token` is the runner's authentication token, `name` what people see.

        What is said of a job is said again for `patience` seconds where the server does not answer (it may be started
        again), or until `stopped` is set.
        """
        import httpx

        self._client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v4", timeout=TIMEOUT)
        self._token = token
        self._name = name
        self._patience = patience
        self._stopped = stopped or threading.Event()

    def request(self) -> dict[str, Any] | None:
        """Return a job, or None where there is none for the moment."""
        body = {"token": self._token, "info": {"name": self._name, "executor": "shell"}, "wait": POLL}
        answer = self._send("POST", "/jobs/request", patience=0, json=body)
        if answer.status_code == 204:
            return None
        if answer.status_code != 201:
            raise ServiceFailed(f"the local GitLab gives out no jobs: HTTP {answer.status_code} {answer.text[:200]}")
        found: dict[str, Any] = answer.json()
        return found

    def log(self, job: int, token: str, data: bytes, offset: int) -> str:
        """Send a piece of the log, and return the job's status. Raises `Refused`."""
        headers = {"JOB-TOKEN": token, "Content-Range": f"{offset}-{offset + max(len(data), 1) - 1}"}
        answer = self._send("PATCH", f"/jobs/{job}/trace", content=data, headers=headers)
        if answer.status_code != 202:
            raise Refused(status=answer.status_code)
        return str(answer.headers.get("job-status", "running"))

    def update(self, job: int, token: str, state: str, *, exit_code: int | None = None, reason: str = "") -> str:
        """Say that the job runs, or how it ended, and return its status. Raises `Refused`."""
        body = {"token": token, "state": state, "exit_code": exit_code, "failure_reason": reason}
        answer = self._send("PUT", f"/jobs/{job}", json=body)
        if answer.status_code != 200:
            raise Refused(status=answer.status_code)
        return str(answer.headers.get("job-status", ""))

    def upload(self, job: int, token: str, name: str, data: bytes, *, kind: str, form: str, expire_in: str) -> str:
        """Hand an artifact over, and return "" or why it was not taken."""
        fields = {"artifact_type": kind, "artifact_format": form, "expire_in": expire_in}
        answer = self._send(
            "POST", f"/jobs/{job}/artifacts", headers={"JOB-TOKEN": token}, data=fields, files={"file": (name, data)}
        )
        return "" if answer.status_code == 201 else f"HTTP {answer.status_code} {answer.text[:200]}"

    def download(self, job: int, token: str) -> bytes | None:
        """Return the archive of another job; None where it has none any more."""
        answer = self._send("GET", f"/jobs/{job}/artifacts", headers={"JOB-TOKEN": token})
        return answer.content if answer.status_code == 200 else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, method: str, path: str, *, patience: float | None = None, **more: Any) -> httpx.Response:
        import httpx

        end = time.monotonic() + (self._patience if patience is None else patience)
        while True:
            try:
                return self._client.request(method, path, **more)
            except httpx.HTTPError as error:
                if time.monotonic() >= end or self._stopped.wait(PAUSE):
                    raise ServiceFailed(f"the local GitLab does not answer: {error!r}") from error
