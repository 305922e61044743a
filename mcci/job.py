"""The CI/CD variables of the job that mcci runs in, read once into one value; every field is empty at a terminal.

Source: https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What GitLab tells a job, and the token that a person or a job gives mcci."""

    server_url: str = ""
    server_certificate: str = ""  # a file with the authority that signed the server's certificate
    project: str = ""
    branch: str = ""
    commit: str = ""
    merge_request: str = ""
    pipeline_id: int | None = None
    pipeline_url: str = ""
    id: str = ""
    name: str = ""
    url: str = ""
    environment: str = ""
    user_name: str = ""
    user_email: str = ""
    user_login: str = ""
    token: str = field(default="", repr=False)

    @property
    def who(self) -> str:
        """The person behind the job, as other people know them; empty at a terminal."""
        return self.user_login or self.user_name


def read(environment: Mapping[str, str] = os.environ) -> Job:
    """Return the variables in `environment`.

    `project` is the project's full path, `branch` is empty in pipelines for tags and merge requests, and `token` is
    GITLAB_TOKEN: the job's own token may neither open a merge request nor, by default, push. Raises `UsageError` when
    CI_PIPELINE_ID is no number.
    """
    get = environment.get
    pipeline = get("CI_PIPELINE_ID", "").strip()
    if pipeline and not (pipeline.isascii() and pipeline.isdigit()):
        raise UsageError(f"CI_PIPELINE_ID is '{pipeline}': GitLab sets it to a number. Unset it at a terminal.")
    return Job(
        server_url=get("CI_SERVER_URL", "").rstrip("/"),
        server_certificate=get("CI_SERVER_TLS_CA_FILE", ""),
        project=get("CI_PROJECT_PATH", ""),
        branch=get("CI_COMMIT_BRANCH", ""),
        commit=get("CI_COMMIT_SHA", ""),
        merge_request=get("CI_MERGE_REQUEST_IID", ""),
        pipeline_id=int(pipeline) if pipeline else None,
        pipeline_url=get("CI_PIPELINE_URL", ""),
        id=get("CI_JOB_ID", ""),
        name=get("CI_JOB_NAME", ""),
        url=get("CI_JOB_URL", ""),
        environment=get("CI_ENVIRONMENT_NAME", ""),
        user_name=get("GITLAB_USER_NAME", ""),
        user_email=get("GITLAB_USER_EMAIL", ""),
        user_login=get("GITLAB_USER_LOGIN", ""),
        token=get("GITLAB_TOKEN", "").strip(),
    )
