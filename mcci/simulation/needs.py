"""The needs of the jobs of one pipeline: what a job waits for, and what it needs that is not there.

https://docs.gitlab.com/ci/yaml/#needs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcci.findings import Finding
from mcci.pipeline.configuration import Configuration
from mcci.pipeline.jobs import Job
from mcci.pipeline.needs import Need
from mcci.pipeline.rules import Rule
from mcci.pipeline.structure import needed_jobs
from mcci.simulation.model import Decision

Included = Mapping[str, tuple[Job, Decision, Rule | None]]


def needs_of(job: Job, rule: Rule | None) -> tuple[Need, ...] | None:
    """Return a job's needs: those of the rule that let it in, or its own."""
    return rule.needs if rule is not None and rule.needs is not None else job.needs


def missing_needs(configuration: Configuration, included: Included) -> Iterator[Finding]:
    """Yield a finding for each need, optional ones aside, of a job that is not in the pipeline."""
    for job, _, rule in included.values():
        for need in needs_of(job, rule) or ():
            if not need.is_here or need.optional:
                continue
            targets = needed_jobs(need, configuration.groups, configuration.jobs)
            if not any(target in included for target in targets):
                message = (
                    f"'{job.name}' job needs '{need.job}' job, but '{need.job}' does not exist in the pipeline. "
                    "This might be because of the only, except, or rules keywords."
                )
                advice = "To need a job that sometimes does not exist in the pipeline, use needs:optional."
                yield Finding(rule="needs-missing", message=message, position=need.position, help=advice)


def present_needs(configuration: Configuration, needs: tuple[Need, ...], included: Included) -> Iterator[str]:
    """Yield the names of the jobs in the pipeline that the needs mean."""
    for need in needs:
        if need.is_here:
            for target in needed_jobs(need, configuration.groups, configuration.jobs):
                if target in included:
                    yield target
