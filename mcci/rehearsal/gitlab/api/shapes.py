"""The local GitLab's values as API v4 writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcci.rehearsal.gitlab.model import Build, Deployment, Environment, Pipeline, User
    from mcci.rehearsal.gitlab.site import Site

Json = dict[str, Any]


def moment(seconds: float | None) -> str | None:
    """Return a time as GitLab writes it."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user(found: User | None) -> Json | None:
    """Return a user."""
    if found is None:
        return None
    return {"id": found.id, "username": found.login, "name": found.name, "state": "active"}


def pipeline(site: Site, found: Pipeline) -> Json:
    """Return a pipeline. Source: https://docs.gitlab.com/api/pipelines/"""
    ended = found.finished or site.gitlab.clock()
    return {
        "id": found.id,
        "iid": found.iid,
        "project_id": site.settings.id,
        "name": found.name or None,
        "sha": found.sha,
        "before_sha": found.before,
        "ref": found.ref,
        "tag": False,
        "status": found.status.value,
        "source": found.source,
        "user": user(found.user),
        "created_at": moment(found.created),
        "updated_at": moment(found.finished or found.started or found.created),
        "started_at": moment(found.started),
        "finished_at": moment(found.finished),
        "duration": round(ended - found.started) if found.started else None,
        "web_url": f"{site.url}/{site.settings.path}/-/pipelines/{found.id}",
        "detailed_status": {"text": found.status.value, "label": found.status.value, "group": found.status.value},
    }


def build(site: Site, found: Build) -> Json:
    """Return a job, or a trigger job with its downstream pipeline. Source: https://docs.gitlab.com/api/jobs/"""
    shape: Json = {
        "id": found.id,
        "name": found.name,
        "stage": found.planned.job.stage,
        "status": found.status.value,
        "ref": found.pipeline.ref,
        "tag": False,
        "allow_failure": found.engine.allow_failure,
        "created_at": moment(found.created),
        "started_at": moment(found.started),
        "finished_at": moment(found.finished),
        "duration": found.seconds(site.gitlab.clock()),
        "queued_duration": found.started - found.queued if found.started and found.queued else None,
        "failure_reason": found.failure_reason or None,
        "exit_code": found.exit_code,
        "user": user(found.user or found.pipeline.user),
        "commit": {"id": found.pipeline.sha, "short_id": found.pipeline.sha[:8]},
        "pipeline": {
            "id": found.pipeline.id,
            "project_id": site.settings.id,
            "ref": found.pipeline.ref,
            "sha": found.pipeline.sha,
            "status": found.pipeline.status.value,
        },
        "project": {"ci_job_token_scope_enabled": False},
        "web_url": f"{site.url}/{site.settings.path}/-/jobs/{found.id}",
        "runner": {"description": found.runner} if found.runner else None,
        "artifacts": [
            {"file_type": each.type, "size": each.size, "filename": each.name, "file_format": each.format}
            for each in found.artifacts
        ],
        "tag_list": [],
    }
    archive = next((each for each in found.artifacts if each.type == "archive"), None)
    if archive is not None:
        shape["artifacts_file"] = {"filename": archive.name, "size": archive.size}
    if found.is_bridge:
        downstream = found.engine.downstream
        made = site.gitlab.pipelines.get(downstream.id) if downstream is not None else None
        shape["downstream_pipeline"] = pipeline(site, made) if made is not None else None
    return shape


def environment(site: Site, found: Environment) -> Json:
    """Return an environment. Source: https://docs.gitlab.com/api/environments/"""
    return {
        "id": found.id,
        "name": found.name,
        "slug": found.name.replace("/", "-"),
        "external_url": found.url or None,
        "tier": found.tier,
        "state": found.state,
        "created_at": moment(found.created),
        "last_deployment": deployment(site, found.last) if found.last else None,
    }


def deployment(site: Site, found: Deployment) -> Json:
    """Return a deployment. Source: https://docs.gitlab.com/api/deployments/"""
    return {
        "id": found.id,
        "iid": found.id,
        "ref": found.build.pipeline.ref,
        "sha": found.build.pipeline.sha,
        "status": found.status,
        "created_at": moment(found.created),
        "updated_at": moment(found.build.finished or found.created),
        "user": user(found.build.user or found.build.pipeline.user),
        "deployable": build(site, found.build),
        "environment": {"id": found.environment.id, "name": found.environment.name},
    }
