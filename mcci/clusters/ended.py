"""Whether the job that holds a lock is over, as GitLab knows it: then nobody waits for its Lease to run out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcci.clients import gitlab_jobs
from mcci.clients.gitlab_pipelines import Server
from mcci.clusters.leases import TTL

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clusters.leases import Holder
    from mcci.job import Job

_OVER = frozenset({"success", "failed", "canceled", "skipped"})
_PATH = re.compile(r"/(?P<project>.+)/-/jobs/(?P<id>[0-9]{1,18})/?")


def by_gitlab(job: Job) -> Callable[[Holder], bool] | None:
    """Return what `leases.hold` asks, with the job's GITLAB_TOKEN; None where there is none: a job's own may not ask.

    A job counts as over when GitLab has seen it end a Lease's time ago: a process that is being ended still works.
    """
    if not (job.token and job.server_url):
        return None

    def ended(holder: Holder) -> bool:
        url = urlsplit(holder.job_url)
        found = _PATH.fullmatch(url.path)
        if found is None or f"{url.scheme}://{url.netloc}" != job.server_url:
            return False
        server = Server(url=job.server_url, project=found["project"], certificate=job.server_certificate)
        status = gitlab_jobs.read(server, job.token, int(found["id"]))
        return status is not None and status.status in _OVER and status.ended is not None and status.ended >= TTL

    return ended
