"""Short ways to say pipelines in tests."""

from __future__ import annotations

from typing import Any

from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import JobSpec, Need, PipelineSpec, Trigger, When
from mcci.simulation.status.pipeline import Pipeline
from mcci.simulation.status.settling import settle


def job(name: str, stage: str = "test", needs: list[str] | None = None, **keywords: Any) -> JobSpec:
    """Return a job; `when` may be text, `needs` are names."""
    keywords["when"] = When(keywords.get("when", "on_success"))
    listed = None if needs is None else tuple(Need(job=need) for need in needs)
    return JobSpec(name=name, stage=stage, needs=listed, **keywords)


def bridge(name: str, **trigger: Any) -> JobSpec:
    """Return a trigger job."""
    return JobSpec(name=name, stage="test", trigger=Trigger(**trigger))


def spec(*jobs: JobSpec, **keywords: Any) -> PipelineSpec:
    """Return a pipeline whose stages are in the order in which its jobs name them."""
    return PipelineSpec(stages=tuple(dict.fromkeys(job.stage for job in jobs)), jobs=jobs, **keywords)


def started(*jobs: JobSpec, instance: Instance | None = None, **keywords: Any) -> tuple[Instance, Pipeline]:
    """Return an instance and its pipeline of these jobs, started."""
    instance = instance or Instance()
    pipeline = instance.create(spec(*jobs, **keywords))
    settle(instance)
    return instance, pipeline


def statuses(pipeline: Pipeline) -> dict[str, str]:
    """Return the jobs' statuses by name."""
    return {name: job.status.value for name, job in pipeline.jobs.items()}
