"""The CI/CD variables of the job that mcci runs in, read once into one value; every field is empty at a terminal.

Source: https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What GitLab tells a job, and the token that a person or a job gives mcci."""

    server_url: str = ""
    project: str = ""
    branch: str = ""
    commit: str = ""
    user_name: str = ""
    user_email: str = ""
    token: str = field(default="", repr=False)


def read(environment: Mapping[str, str] = os.environ) -> Job:
    """Return the variables in `environment`.

    `project` is the project's full path, `branch` is empty in pipelines for tags and merge requests, and `token` is
    GITLAB_TOKEN: the job's own token may neither open a merge request nor, by default, push.
    """
    get = environment.get
    return Job(
        server_url=get("CI_SERVER_URL", "").rstrip("/"),
        project=get("CI_PROJECT_PATH", ""),
        branch=get("CI_COMMIT_BRANCH", ""),
        commit=get("CI_COMMIT_SHA", ""),
        user_name=get("GITLAB_USER_NAME", ""),
        user_email=get("GITLAB_USER_EMAIL", ""),
        token=get("GITLAB_TOKEN", "").strip(),
    )
