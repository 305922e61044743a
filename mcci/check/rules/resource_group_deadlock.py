"""A trigger job and a job of the pipeline it waits for in one resource group: each waits for the other, for ever."""

from __future__ import annotations

from collections.abc import Iterator

from mcci.check.rule import Rule
from mcci.check.subject import Subject
from mcci.findings import Finding, Severity
from mcci.pipeline.document import Map

RULE = Rule(
    id="resource-group-deadlock",
    summary="A pipeline waits for a resource group that its parent's trigger job holds.",
    severity=Severity.ERROR,
    source="https://docs.gitlab.com/ci/resource_groups/#pipeline-level-concurrency-control-with-cross-projectparent-child-pipelines",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Compare the groups of child pipelines' jobs with those that waiting trigger jobs above hold."""
    for pipeline in subject.pipelines:
        held: dict[str, str] = {}
        above = pipeline
        while above.parent is not None:
            trigger = above.parent.jobs[above.started_by]
            if isinstance(trigger.get("resource_group"), str) and _waits(trigger):
                held[trigger["resource_group"]] = above.started_by
            above = above.parent
        for name, job in pipeline.jobs.items() if held else ():
            group = job.get("resource_group")
            if isinstance(group, str) and group in held:
                holder = f"the trigger job '{held[group]}'"
                message = f"job '{name}' waits for resource group '{group}', which {holder} holds until it ends"
                yield RULE.finding(job.position("resource_group"), message, "Give one of the two another group.")


def _waits(trigger: Map) -> bool:
    settings = trigger.get("trigger")
    return isinstance(settings, Map) and settings.get("strategy") in ("depend", "mirror")
