"""What GitLab refuses before it creates a pipeline: needs that cannot be met, in whatever order the jobs ran."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.simulation.status.model import JobSpec, PipelineSpec


def problems(spec: PipelineSpec) -> Iterator[tuple[JobSpec, str]]:
    """Yield each job that keeps the pipeline from being created, with the reason."""
    jobs: dict[str, JobSpec] = {}
    for job in spec.jobs:
        if job.name in jobs:
            yield job, f"there are two jobs named '{job.name}'"
        jobs[job.name] = job
    stages = {name: index for index, name in enumerate(spec.stages)}
    for job in spec.jobs:
        if job.stage not in stages:
            yield job, f"job '{job.name}' is in the stage '{job.stage}', which the pipeline does not have"
            continue
        for need in job.needs or ():
            needed = jobs.get(need.job)
            if needed is None:
                if not need.optional:
                    yield job, f"job '{job.name}' needs '{need.job}', which is not in the pipeline"
            elif stages.get(needed.stage, -1) > stages[job.stage]:
                yield job, f"job '{job.name}' needs '{need.job}', which is in a later stage"
    for name in _cycle(jobs):
        yield jobs[name], f"the needs of job '{name}' lead back to itself"


def _cycle(jobs: dict[str, JobSpec]) -> list[str]:
    """Return the first job that is left when jobs without open needs are taken away again and again."""
    open_needs = {name: {need.job for need in job.needs or () if need.job in jobs} for name, job in jobs.items()}
    dependents: dict[str, list[str]] = {}
    for name, needs in open_needs.items():
        for needed in needs:
            dependents.setdefault(needed, []).append(name)
    free = [name for name, needs in open_needs.items() if not needs]
    left = set(jobs)
    while free:
        name = free.pop()
        left.discard(name)
        for dependent in dependents.get(name, ()):
            open_needs[dependent].discard(name)
            if not open_needs[dependent]:
                free.append(dependent)
    return [_on_the_cycle(left, open_needs)] if left else []


def _on_the_cycle(left: set[str], open_needs: dict[str, set[str]]) -> str:
    """Follow open needs until a job comes again: that one lies on a cycle, and is not only behind one."""
    name = min(left)
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        name = min(open_needs[name])
    return name
