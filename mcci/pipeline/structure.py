"""What holds between jobs: stages that exist, needs that name jobs, and no circle among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcci.findings import Position
from mcci.pipeline.jobs import Job
from mcci.pipeline.needs import Need

Report = Callable[[str, str, Position], None]

MAX_NEEDS = 50


def needed_jobs(need: Need, groups: Mapping[str, tuple[str, ...]], jobs: Mapping[str, Job]) -> tuple[str, ...]:
    """Return the names of the instances that a need of this pipeline means; none when there is no such job."""
    name = need.job or ""
    if need.matrix is not None:
        from mcci.pipeline.parallel import instance_name

        wanted = {instance_name(name, combination) for combination in need.matrix}
        return tuple(instance for instance in groups.get(name, ()) if instance in wanted)
    if name in groups:
        return groups[name]
    return (name,) if name in jobs else ()


def check_structure(
    jobs: Mapping[str, Job], groups: Mapping[str, tuple[str, ...]], stages: tuple[str, ...], report: Report
) -> None:
    """Report what GitLab would refuse about stages, needs and dependencies, once for each job of the file."""
    order = {stage: index for index, stage in enumerate(stages)}
    for instances in groups.values():
        job = jobs[instances[0]]
        if job.stage not in order:
            chosen = ", ".join(stages)
            where = job.keywords.value_position("stage")
            report("stage", f"{job.group}: chosen stage '{job.stage}' does not exist; there are {chosen}", where)
            continue
        _check_needs(job, groups, jobs, order, report)
        _check_dependencies(job, groups, jobs, order, report)
    _report_circle(jobs, groups, report)


def _check_needs(
    job: Job, groups: Mapping[str, tuple[str, ...]], jobs: Mapping[str, Job], order: Mapping[str, int], report: Report
) -> None:
    all_needs = list(job.needs or ())
    for rule in job.rules or ():
        all_needs.extend(rule.needs or ())
    if len(job.needs or ()) > MAX_NEEDS:
        message = f"{job.group}: one job can need at most {MAX_NEEDS} others, this one lists {len(job.needs or ())}"
        report("needs-limit", message, job.keywords.position("needs"))
    seen: set[object] = set()
    for need in job.needs or ():
        key = (need.job, need.matrix, need.project, need.ref, need.pipeline)
        if key in seen:
            report("needs-duplicate", f"{job.group}: needs has duplicate entries for '{need.job}'", need.position)
        seen.add(key)
    for need in all_needs:
        if not need.is_here:
            continue
        targets = needed_jobs(need, groups, jobs)
        if not targets and not need.optional:
            report("needs", f"{job.group}: undefined need: {need.job}", need.position)
        for target in targets[:1]:
            if order.get(jobs[target].stage, 0) > order[job.stage]:
                message = f"{job.group}: need {target} is not defined in the current or a prior stage"
                report("needs-stage", message, need.position)


def _check_dependencies(
    job: Job, groups: Mapping[str, tuple[str, ...]], jobs: Mapping[str, Job], order: Mapping[str, int], report: Report
) -> None:
    if job.dependencies is None:
        return
    where = job.keywords.value_position("dependencies")
    needed = {need.job for need in job.needs or ()}
    for name in job.dependencies:
        targets = groups.get(name) or ((name,) if name in jobs else ())
        if not targets:
            report("dependencies", f"{job.group}: undefined dependency: {name}", where)
        elif job.needs is not None:
            group = jobs[targets[0]].group
            if name not in needed and group not in needed:
                report("dependencies", f"{job.group}: dependency {name} should be part of needs", where)
        elif order.get(jobs[targets[0]].stage, 0) > order[job.stage]:
            message = f"{job.group}: dependency {name} is not defined in the current or a prior stage"
            report("dependencies", message, where)


def _report_circle(jobs: Mapping[str, Job], groups: Mapping[str, tuple[str, ...]], report: Report) -> None:
    """Report a circle of needs, if there is one, by walking them depth first without recursion."""
    edges = {
        group: tuple(
            {
                jobs[target].group: None
                for need in jobs[names[0]].needs or ()
                if need.is_here
                for target in needed_jobs(need, groups, jobs)[:1]
            }
        )
        for group, names in groups.items()
    }
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        on_path: set[str] = set()
        work: list[tuple[str, int]] = [(start, 0)] if start not in done else []
        while work:
            name, at = work.pop()
            if at == 0:
                path.append(name)
                on_path.add(name)
            if at < len(edges[name]):
                work.append((name, at + 1))
                following = edges[name][at]
                if following in on_path:
                    names = [*path[path.index(following) :], following]
                    circle = " → ".join(names if len(names) < 12 else [*names[:5], "…", *names[-5:]])
                    job = jobs[groups[name][0]]
                    report("needs-cycle", f"{name}: circular needs: {circle}", job.keywords.position("needs"))
                    return
                if following not in done:
                    work.append((following, 0))
                continue
            done.add(name)
            on_path.discard(name)
            path.pop()
