"""What the page shows of the local GitLab, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.simulation.status.actions import is_retryable
from mcci.simulation.status.model import CANCELABLE, COMPLETED, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.rehearsal.gitlab.model import Build, Environment, Pipeline
    from mcci.rehearsal.gitlab.site import Site

Json = dict[str, Any]


def state(site: Site) -> Json:
    """Return the pipelines, the newest first, and the environments."""
    gitlab = site.gitlab
    with gitlab.lock:
        pipelines = list(gitlab.pipelines.values())
        return {
            "project": site.settings.path,
            "refused": [{"ref": ref, "why": why} for ref, why in site.refused.items()],
            "pipelines": [_pipeline(each, pipelines) for each in reversed(pipelines) if each.parent is None],
            "environments": [_environment(each) for each in gitlab.environments],
        }


def _pipeline(found: Pipeline, everything: Sequence[Pipeline]) -> Json:
    """Return a pipeline with its stages and children."""
    stages = [
        {
            "name": stage.name,
            "jobs": [_job(build) for build in found.builds.values() if build.planned.job.stage == stage.name],
        }
        for stage in sorted(found.engine.stages, key=lambda each: each.index)
    ]
    return {
        "id": found.id,
        "name": found.name,
        "ref": found.ref,
        "sha": found.sha[:8],
        "source": found.source,
        "status": found.status.value,
        "by": found.user.name,
        "created": found.created,
        "started": found.started,
        "finished": found.finished,
        "stages": [each for each in stages if each["jobs"]],
        "children": [_pipeline(each, everything) for each in everything if each.parent is found],
        "can": _of_pipeline(found),
    }


def _of_pipeline(found: Pipeline) -> list[str]:
    cancel = any(build.status in CANCELABLE for build in found.builds.values())
    failed = any(build.status.value in ("failed", "canceled") for build in found.builds.values())
    return [name for name, can in (("retry", failed), ("cancel", cancel)) if can]


def _job(found: Build) -> Json:
    engine = found.engine
    downstream = engine.downstream
    able = {
        "play": found.status in (Status.MANUAL, Status.SCHEDULED) and not found.is_bridge,
        "retry": is_retryable(engine) and not found.is_bridge,
        "cancel": found.status in (Status.RUNNING, Status.PENDING),
    }
    return {
        "id": found.id,
        "name": found.name,
        "status": found.status.value,
        "attempt": found.attempt,
        "allow_failure": engine.allow_failure,
        "started": found.started,
        "finished": found.finished,
        "reason": found.failure_reason,
        "exit_code": found.exit_code,
        "by": (found.user or found.pipeline.user).name,
        "environment": found.planned.environment,
        "confirmation": found.planned.job.keywords.get("manual_confirmation") or "",
        "bridge": found.is_bridge,
        "child": downstream.id if downstream is not None else None,
        "artifacts": [{"name": each.name, "size": each.size} for each in found.artifacts],
        "can": [name for name, can in able.items() if can],
    }


def _environment(found: Environment) -> Json:
    newest = found.deployments[-1] if found.deployments else None
    last = found.last
    return {
        "name": found.name,
        "tier": found.tier,
        "state": found.state,
        "url": found.url,
        "status": newest.status if newest else "",
        "deployed": None
        if last is None
        else {
            "job": last.build.name,
            "job_id": last.build.id,
            "pipeline": last.build.pipeline.id,
            "name": last.build.pipeline.name,
            "sha": last.build.pipeline.sha[:8],
            "by": (last.build.user or last.build.pipeline.user).name,
            "at": last.build.finished,
        },
    }


def is_over(found: Build) -> bool:
    """Whether a job's log has ended."""
    return found.status in COMPLETED
