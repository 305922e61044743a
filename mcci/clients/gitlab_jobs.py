"""What GitLab says of one job.

Source: https://docs.gitlab.com/api/jobs/#get-a-single-job
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcci.clients.gitlab_pipelines import Server

TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job: its status, and how many seconds ago GitLab says it ended, by GitLab's clock; None while it has not."""

    status: str
    ended: float | None


def read(server: Server, token: str, job: int) -> JobStatus | None:
    """Return a job's status; None where the token may not see it, or GitLab does not answer: nobody has to know."""
    import gitlab
    import requests

    client = gitlab.Gitlab(
        server.url, private_token=token, timeout=TIMEOUT, ssl_verify=server.certificate or True
    )  # fmt: skip
    try:
        path = f"/projects/{client.projects.get(server.project, lazy=True).encoded_id}/jobs/{job}"
        reply = client.http_get(path, raw=True, retry_transient_errors=False)
        assert isinstance(reply, requests.Response)
        body = reply.json()
        finished = body.get("finished_at")
        now = parsedate_to_datetime(reply.headers.get("Date", ""))
        ended = (now - datetime.fromisoformat(finished)).total_seconds() if finished else None
        return JobStatus(status=str(body.get("status")), ended=ended)
    except (gitlab.exceptions.GitlabError, requests.RequestException, ValueError, TypeError):
        return None
