"""The variables GitLab sets itself, as far as an event decides them.

https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mcci.pipeline.jobs import Job
from mcci.simulation.events import Event, Project, Source

SHA = "0" * 39 + "1"
BLANK_SHA = "0" * 40


def slug(text: str) -> str:
    """Return GitLab's slug of a ref or a name: lower case, 63 characters at most, no dash at the ends."""
    return re.sub(r"[^a-z0-9]", "-", text.lower())[:63].strip("-")


def pipeline_variables(project: Project, event: Event) -> dict[str, str]:
    """Return the predefined variables of a pipeline that `event` starts, in GitLab's spelling."""
    protected = project.protects(event.ref)
    variables = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
        "CI_CONFIG_PATH": project.configuration,
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_PIPELINE_ID": "1",
        "CI_PIPELINE_IID": "1",
        "CI_PIPELINE_SOURCE": event.source.value,
        "CI_PROJECT_ID": "1",
        "CI_PROJECT_NAME": project.path.rpartition("/")[2],
        "CI_PROJECT_NAMESPACE": project.path.rpartition("/")[0],
        "CI_PROJECT_PATH": project.path,
        "CI_PROJECT_PATH_SLUG": slug(project.path),
        "CI_PROJECT_ROOT_NAMESPACE": project.path.partition("/")[0],
        "CI_PROJECT_TITLE": project.path.rpartition("/")[2],
        "CI_PROJECT_URL": f"https://gitlab.example.com/{project.path}",
        "CI_PROJECT_VISIBILITY": "private",
        "CI_REGISTRY": "registry.gitlab.example.com",
        "CI_REGISTRY_IMAGE": f"registry.gitlab.example.com/{project.path.lower()}",
        "CI_SERVER": "yes",
        "CI_SERVER_HOST": "gitlab.example.com",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_URL": "https://gitlab.example.com",
        "GITLAB_FEATURES": "",
        "CI_COMMIT_SHA": event.commit or SHA,
        "CI_COMMIT_SHORT_SHA": (event.commit or SHA)[:8],
        "CI_COMMIT_BEFORE_SHA": SHA if event.source is Source.PUSH and event.changes is not None else BLANK_SHA,
        "CI_COMMIT_REF_NAME": event.ref,
        "CI_COMMIT_REF_SLUG": slug(event.ref),
        "CI_COMMIT_REF_PROTECTED": "true" if protected else "false",
        "CI_COMMIT_MESSAGE": event.commit_message,
        "CI_COMMIT_TITLE": event.commit_message.partition("\n")[0],
        "CI_COMMIT_DESCRIPTION": event.commit_message.partition("\n")[2].strip(),
        "CI_COMMIT_TIMESTAMP": "2026-01-01T00:00:00+00:00",
        "CI_PIPELINE_NAME": "",
        "GITLAB_USER_LOGIN": "user",
        "GITLAB_USER_NAME": "User",
        "GITLAB_USER_EMAIL": "user@example.com",
        "GITLAB_USER_ID": "1",
    }
    if event.tag:
        variables["CI_COMMIT_TAG"] = event.ref
        variables["CI_COMMIT_TAG_MESSAGE"] = ""
    elif event.merge_request is None:
        variables["CI_COMMIT_BRANCH"] = event.ref
    if event.source in (Source.TRIGGER, Source.PIPELINE):
        variables["CI_PIPELINE_TRIGGERED"] = "true"
    if event.source is Source.SCHEDULE:
        variables["CI_PIPELINE_SCHEDULE_DESCRIPTION"] = ""
    if event.open_merge_requests:
        variables["CI_OPEN_MERGE_REQUESTS"] = ",".join(event.open_merge_requests)
    if event.merge_request is not None:
        variables.update(_merge_request(project, event))
    return variables


def _merge_request(project: Project, event: Event) -> dict[str, str]:
    request = event.merge_request
    assert request is not None
    source_project = request.fork or project.path
    variables = {
        "CI_MERGE_REQUEST_ID": "1",
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_PROJECT_PATH": project.path,
        "CI_MERGE_REQUEST_PROJECT_URL": f"https://gitlab.example.com/{project.path}",
        "CI_MERGE_REQUEST_REF_PATH": "refs/merge-requests/1/head",
        "CI_MERGE_REQUEST_EVENT_TYPE": request.kind.value,
        "CI_MERGE_REQUEST_DRAFT": "true" if request.draft else "false",
        "CI_MERGE_REQUEST_TITLE": f"{'Draft: ' if request.draft else ''}Merge {request.source}",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": request.source,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED": "true" if project.protects(request.source) else "false",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2" if request.fork else "1",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": source_project,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_URL": f"https://gitlab.example.com/{source_project}",
        "CI_MERGE_REQUEST_SQUASH_ON_MERGE": "false",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": request.target,
        "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED": "true" if project.protects(request.target) else "false",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": SHA,
        "CI_MERGE_REQUEST_DIFF_ID": "1",
        "CI_OPEN_MERGE_REQUESTS": f"{project.path}!1",
    }
    if request.labels:
        variables["CI_MERGE_REQUEST_LABELS"] = ",".join(request.labels)
    if request.kind.value != "detached":
        variables["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] = SHA
        variables["CI_MERGE_REQUEST_TARGET_BRANCH_SHA"] = SHA
        variables["CI_MERGE_REQUEST_REF_PATH"] = "refs/merge-requests/1/merge"
    return variables


def job_variables(job: Job) -> Mapping[str, str]:
    """Return the predefined variables that one job adds to its pipeline's."""
    variables = {
        "CI_JOB_NAME": job.name,
        "CI_JOB_NAME_SLUG": slug(job.name),
        "CI_JOB_STAGE": job.stage,
        "CI_NODE_TOTAL": str(job.node_total),
    }
    if job.node_index is not None:
        variables["CI_NODE_INDEX"] = str(job.node_index)
    if job.environment is not None:
        variables["CI_ENVIRONMENT_NAME"] = job.environment.name
        variables["CI_ENVIRONMENT_ACTION"] = job.environment.action
        if job.environment.tier:
            variables["CI_ENVIRONMENT_TIER"] = job.environment.tier
    if job.when == "manual":
        variables["CI_JOB_MANUAL"] = "true"
    return variables
