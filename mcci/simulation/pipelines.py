"""From an event to the pipeline that GitLab would create, child pipelines included: which jobs, and why.

https://docs.gitlab.com/ci/pipelines/ and https://docs.gitlab.com/ci/jobs/job_rules/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcci.findings import Finding, Position
from mcci.pipeline.configuration import FIRST, LAST, Configuration, load_several
from mcci.pipeline.files import Files
from mcci.pipeline.includes import Context
from mcci.pipeline.jobs import AllowFailure, Job
from mcci.pipeline.limits import MAX_CHILD_DEPTH, MAX_HIERARCHY
from mcci.pipeline.rules import Rule, RuleError
from mcci.simulation import decisions
from mcci.simulation.downstream import child_parts, forwarded
from mcci.simulation.events import Event, Project, Source
from mcci.simulation.model import Decision, Pipeline, PlannedJob, describe_rule
from mcci.simulation.needs import Included, missing_needs, needs_of, present_needs
from mcci.simulation.predefined import pipeline_variables
from mcci.simulation.scope import Scope, Scopes, project_variables
from mcci.simulation.world import ANY_REF, EventWorld

if TYPE_CHECKING:
    from mcci.pipeline.triggers import Trigger


def simulate(project: Project, event: Event) -> Pipeline:
    """Return the pipeline that `event` starts in `project`. Never raises for what the configuration says."""
    files = project.files(event.ref)
    if files is None and event.merge_request is not None:
        files = project.files(event.merge_request.target)
    if files is None:
        decision = Decision(included=False, reason=f"there is no ref '{event.ref}'")
        return Pipeline(
            name="",
            project=project.path,
            event=event,
            decision=decision,
            configuration=Configuration(file=project.configuration),
        )
    parts: list[tuple[str, Mapping[str, Any]]] = [(project.configuration, event.inputs)]
    return _Simulation(project, event, files, 0, _Hierarchy()).run(parts)


class _Hierarchy:
    """What a pipeline and all below it share: how many there are, and the configurations read so far."""

    def __init__(self) -> None:
        self.pipelines = 0
        self.configurations: dict[tuple[Any, ...], Configuration] = {}


class _Simulation:
    """One pipeline being created."""

    def __init__(self, project: Project, event: Event, files: Files, depth: int, hierarchy: _Hierarchy) -> None:
        self.hierarchy = hierarchy
        hierarchy.pipelines += 1
        self.project = project
        self.event = event
        self.files = files
        self.depth = depth
        self.world = EventWorld(project, event, files)
        self.predefined = pipeline_variables(project, event)
        self.settings = project_variables(project, event, None)
        self.is_scoped = any(variable.environment != "*" for variable in project.variables)

    def run(self, parts: list[tuple[str, Mapping[str, Any]]]) -> Pipeline:
        before = {**self.predefined, **self.settings, **self.event.variables}
        hidden = frozenset(variable.key for variable in self.project.variables if variable.masked)
        context = Context(variables=before, hidden=hidden, world=self.world)
        self.configuration = self._load(parts, context)
        if not self.configuration.is_valid:
            return self._none("the configuration is invalid", findings=self.configuration.findings)
        try:
            return self._create()
        except RuleError as error:
            finding = Finding(rule="rules", message=str(error), position=Position(file=self.configuration.file))
            return self._none(str(error), findings=(finding,))

    def _load(self, parts: list[tuple[str, Mapping[str, Any]]], context: Context) -> Configuration:
        """Return the configuration, read once where several pipelines have the same files, inputs and variables."""
        key = (id(self.files), repr(parts), tuple(context.variables.items()), id(self.project))
        known = self.hierarchy.configurations.get(key)
        if known is None:
            known = load_several(self.world.sources(), parts, context)
            self.hierarchy.configurations[key] = known
        return known

    def _create(self) -> Pipeline:
        root = {key: variable.value for key, variable in self.configuration.variables.items()}
        self.scopes = self._scopes(root)
        rules = self.configuration.workflow.rules
        decision, rule = decisions.of_workflow(rules, self.scopes.of_pipeline(), self.world)
        if not decision.included:
            return self._pipeline(decision)
        if rule is not None and rule.variables:
            root.update(rule.variables)
            self.scopes = self._scopes(root)
        included: dict[str, tuple[Job, Decision, Rule | None]] = {}
        left_out: list[tuple[Job, Decision]] = []
        for job in self.configuration.jobs.values():
            outcome = decisions.of_job(job, self.scope_of(job), self.world, by_default=rules is None)
            if outcome[0].included:
                included[job.name] = (job, *outcome)
            else:
                left_out.append((job, outcome[0]))
        if not any(job.stage not in (FIRST, LAST) for job, _, _ in included.values()):
            reason = "no job is in it: the pipeline would be empty"
            if included:
                reason = "only jobs in .pre and .post are in it, and those make no pipeline"
            return self._pipeline(Decision(included=False, reason=reason), left_out=left_out)
        findings = tuple(missing_needs(self.configuration, included))
        if findings:
            return self._none("a job that is in needs one that is not", left_out=left_out, findings=findings)
        findings = tuple(self._circular_variables([job for job, _, _ in included.values()]))
        if findings:
            return self._none("variables refer to each other in a circle", left_out=left_out, findings=findings)
        order = {stage: index for index, stage in enumerate(self.configuration.stages)}
        jobs = [self._plan(job, verdict, matched, included) for job, verdict, matched in included.values()]
        jobs.sort(key=lambda planned: order[planned.job.stage])
        return self._pipeline(decision, jobs=jobs, left_out=left_out)

    def _scopes(self, root: Mapping[str, str]) -> Scopes:
        return Scopes(
            given=self.event.variables,
            project=self.settings,
            root=root,
            predefined=self.predefined,
            raw=frozenset(
                [variable.key for variable in self.configuration.variables.values() if variable.raw]
                + [variable.key for variable in self.project.variables if variable.raw]
            ),
        )

    def scope_of(self, job: Job) -> Scope:
        """Return the variables that a job's rules see."""
        if not self.is_scoped or job.environment is None:
            return self.scopes.of_job(job)
        name = self.scopes.of_job(job).fill(job.environment.name)
        return self.scopes.of_job(job, project_variables(self.project, self.event, name))

    def scope_of_workflow(self) -> Scope:
        """Return the variables that `workflow:rules` see."""
        return self.scopes.of_pipeline()

    def _circular_variables(self, jobs: list[Job]) -> Iterator[Finding]:
        """Yield a finding for each job whose variables GitLab cannot expand; most jobs share what they have."""
        known: dict[int, str | None] = {}
        shared = any("$" in value or "%" in value for value in self.scopes.root.values())
        for job in jobs:
            own = any("$" in variable.value or "%" in variable.value for variable in job.variables.values())
            if not own and not shared:
                continue
            key = id(job) if own else 0
            if key not in known:
                known[key] = self.scope_of(job).expanded()[1]
            if known[key]:
                yield Finding(rule="variables-cycle", message=f"{job.name}: {known[key]}", position=job.position)

    def _plan(
        self,
        job: Job,
        decision: Decision,
        rule: Rule | None,
        included: Included,
    ) -> PlannedJob:
        needs = needs_of(job, rule)
        allow_failure = job.allow_failure
        if rule is not None and rule.allow_failure is not None:
            allow_failure = AllowFailure(allowed=rule.allow_failure)
        environment = job.environment.name if job.environment is not None else None
        group = job.resource_group
        if "$" in (environment or "") or "$" in (group or ""):
            scope = self.scope_of(job)
            environment = environment and scope.fill(environment)
            group = group and scope.fill(group)
        child: Pipeline | None = None
        note = ""
        if job.trigger is not None:
            child, note = self._downstream(job, job.trigger, rule)
        when = (rule.when if rule is not None else None) or job.when
        return PlannedJob(
            job=job,
            decision=decision,
            when=when,
            start_in=(rule.start_in if rule is not None and rule.when else job.start_in) if when == "delayed" else None,
            allow_failure=allow_failure,
            needs=None if needs is None else tuple(present_needs(self.configuration, needs, included)),
            interruptible=job.interruptible if rule is None or rule.interruptible is None else rule.interruptible,
            environment=environment,
            resource_group=group,
            variables=rule.variables if rule is not None else {},
            child=child,
            child_note=note,
        )

    def _downstream(self, job: Job, trigger: Trigger, rule: Rule | None) -> tuple[Pipeline | None, str]:
        scope = self.scope_of(job)
        variables = forwarded(job, trigger, rule, scope, self.scopes.root, self.event)
        if trigger.include:
            return self._child(trigger, variables, scope)
        return self._other_project(trigger, variables, scope)

    def _child(self, trigger: Trigger, variables: Mapping[str, str], scope: Scope) -> tuple[Pipeline | None, str]:
        if self.depth >= MAX_CHILD_DEPTH:
            return None, f"GitLab allows {MAX_CHILD_DEPTH} levels of child pipelines"
        if self.hierarchy.pipelines >= MAX_HIERARCHY:
            return None, f"GitLab allows {MAX_HIERARCHY} pipelines in one hierarchy"
        parts, note = child_parts(trigger, scope)
        if note:
            return None, note
        changes = self.world.changed_paths(None)
        known = self.event.changes
        compared = self.event.compared if known is None else {ANY_REF: known, **self.event.compared}
        event = replace(
            self.event,
            source=Source.PARENT_PIPELINE,
            variables=variables,
            inputs={},
            changes=changes,
            compared=compared,
        )
        return _Simulation(self.project, event, self.files, self.depth + 1, self.hierarchy).run(parts), ""

    def _other_project(
        self, trigger: Trigger, variables: Mapping[str, str], scope: Scope
    ) -> tuple[Pipeline | None, str]:
        path = scope.fill(trigger.project or "")
        if path == self.project.path:
            return None, "GitLab refuses a trigger job that is aimed at its own project"
        project = self.project.projects.get(path)
        if project is None:
            return None, f"the project '{path}' is not at hand"
        branch = scope.fill(trigger.branch) if trigger.branch else project.default_branch
        files = project.files(branch)
        if files is None:
            return None, f"the project '{path}' has no ref '{branch}'"
        if self.depth >= MAX_CHILD_DEPTH or self.hierarchy.pipelines >= MAX_HIERARCHY:
            return None, "not followed further"
        event = Event(source=Source.PIPELINE, ref=branch, variables=variables, inputs=trigger.inputs)
        run = _Simulation(project, event, files, self.depth + 1, self.hierarchy)
        return run.run([(project.configuration, trigger.inputs)]), ""

    def _none(
        self, reason: str, *, left_out: list[tuple[Job, Decision]] | None = None, findings: tuple[Finding, ...] = ()
    ) -> Pipeline:
        return self._pipeline(Decision(included=False, reason=reason), left_out=left_out, findings=findings)

    def _pipeline(
        self,
        decision: Decision,
        *,
        jobs: list[PlannedJob] | None = None,
        left_out: list[tuple[Job, Decision]] | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Pipeline:
        name = self.configuration.workflow.name or ""
        if name and decision.included:
            name = self.scopes.of_pipeline().fill(name).strip()
        return Pipeline(
            name=name if decision.included else "",
            project=self.project.path,
            event=self.event,
            decision=decision,
            configuration=self.configuration,
            jobs=tuple(jobs or ()),
            left_out=tuple(left_out or ()),
            findings=findings,
            depth=self.depth,
            circumstances=self if self.configuration.is_valid else None,
        )


__all__ = ["Decision", "Pipeline", "PlannedJob", "describe_rule", "simulate"]
