"""Whether a pipeline is created, and whether a job is in it, with the reason.

https://docs.gitlab.com/ci/jobs/job_rules/
"""

from __future__ import annotations

from dataclasses import replace

from mcci.pipeline.jobs import Job
from mcci.pipeline.policies import DEFAULT_ONLY
from mcci.pipeline.rules import Rule, failing_clause
from mcci.simulation.model import Decision, describe_rule
from mcci.simulation.policies import except_holds, only_holds
from mcci.simulation.scope import Scope
from mcci.simulation.world import EventWorld


def of_workflow(rules: tuple[Rule, ...] | None, scope: Scope, world: EventWorld) -> tuple[Decision, Rule | None]:
    """Return whether there is a pipeline, and the rule that matched."""
    if rules is None:
        return Decision(included=True, reason="the configuration has no workflow:rules"), None
    decision, rule = _by_rules(rules, scope, "workflow:rules", world)
    return decision, rule


def of_job(job: Job, scope: Scope, world: EventWorld, *, by_default: bool) -> tuple[Decision, Rule | None]:
    """Return whether a job is in, and the rule that matched.

    `by_default`, where the workflow has no rules: without `only` it is in on branches and tags alone.
    """
    if job.rules is not None:
        decision, rule = _by_rules(job.rules, scope, "the job", world)
        if rule is not None and rule.when is None and job.when == "never":
            return replace(decision, included=False), rule
        return decision, rule
    only, except_ = job.only, job.except_
    if only is None and by_default:
        only = DEFAULT_ONLY
    if only is not None and only.refs is None:
        only = replace(only, refs=DEFAULT_ONLY.refs)
    if only is not None and not only_holds(only, world.project, world.event, scope.get, world):
        if job.only is None:
            reason = "a job without rules runs in branch and tag pipelines only"
            return Decision(included=False, reason=reason, position=job.position), None
        position = job.keywords.position("only")
        return Decision(included=False, reason="its only does not hold", position=position), None
    if except_ is not None and except_holds(except_, world.project, world.event, scope.get, world):
        position = job.keywords.position("except")
        return Decision(included=False, reason="its except holds", position=position), None
    if job.when == "never":
        return Decision(included=False, reason="when: never", position=job.position), None
    reason = "the job has no rules" if job.only is None and except_ is None else "its only and except allow it"
    return Decision(included=True, reason=reason), None


def _by_rules(rules: tuple[Rule, ...], scope: Scope, what: str, world: EventWorld) -> tuple[Decision, Rule | None]:
    for index, rule in enumerate(rules):
        if failing_clause(rule, scope.get, world) is not None:
            continue
        shown = describe_rule(rule)
        reason = f"rule {index + 1} matches: {shown}"
        included = rule.when != "never"
        return Decision(included=included, reason=reason, rule=index, position=rule.position), rule
    position = rules[0].position if rules else None
    return Decision(included=False, reason=f"no rule of {what} matches", position=position), None
