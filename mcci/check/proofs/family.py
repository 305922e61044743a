"""A pipeline and the child pipelines below it, with the events in which each, and each of its jobs, is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from mcci.check.pipelines import Pipeline
from mcci.check.proofs.conditions import first_match
from mcci.check.proofs.event_space import EventSpace
from mcci.check.proofs.policies import by_policies
from mcci.check.proofs.scopes import Passed, Scope
from mcci.check.proofs.space import ALL, Box, bits, bounded, compact, meetings
from mcci.check.proofs.usage import Usage, usage
from mcci.pipeline.jobs import Job
from mcci.pipeline.needs import Need
from mcci.pipeline.policies import Policy
from mcci.pipeline.rules import Rule
from mcci.pipeline.structure import needed_jobs
from mcci.pipeline.variables import Variable, references
from mcci.simulation.predefined import job_variables

Starts: TypeAlias = "list[tuple[list[Box], Scope]]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """One way for a job into its pipeline: the events in which it comes so, and what its rule then makes of it."""

    box: Box
    when: str
    optional: bool
    needs: tuple[Need, ...] | None
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Where a rule lets jobs into a pipeline, and where none does. Jobs with the same conditions share it."""

    rules: tuple[tuple[Box, Rule | None], ...]
    absent: tuple[Box, ...]


class Member:
    """One pipeline of a family: its jobs, and the events in which each is there."""

    def __init__(self, family: Family, pipeline: Pipeline, starts: Starts) -> None:
        self.family = family
        self.pipeline = pipeline
        self.configuration = pipeline.configuration
        self.order = {stage: index for index, stage in enumerate(self.configuration.stages)}
        self.contexts = list(self._workflow(starts))
        self._presences: dict[object, Presence] = {}
        self._ways: dict[str, tuple[Way, ...]] = {}
        self._asked: dict[int, tuple[tuple[Rule, ...], frozenset[str]]] = {}

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Return the jobs, each instance of a parallel one."""
        return self.configuration.jobs

    def _workflow(self, starts: Starts) -> Iterator[tuple[list[Box], Scope]]:
        """Yield the events in which there is such a pipeline, by the variables that the workflow's rule gives it."""
        rules = self.configuration.workflow.rules
        for boxes, scope in starts:
            if rules is None:
                yield boxes, scope
                continue
            groups: dict[int, tuple[list[Box], Rule]] = {}
            for box, rule in first_match(rules, boxes, scope):
                if rule is not None and rule.when != "never":
                    groups.setdefault(id(rule.variables) if rule.variables else 0, ([], rule))[0].append(box)
            for inside, rule in groups.values():
                given = {**scope.inherited, **rule.variables}
                yield compact(inside), replace(scope, inherited=given, questions={}) if rule.variables else scope

    def boxes(self) -> list[Box]:
        """Return the events in which the workflow lets the pipeline start."""
        return [box for boxes, _ in self.contexts for box in boxes]

    def presence(self, job: Job) -> Presence:
        """Return the events in which the job is there, by rule, and those in which only its pipeline is."""
        names = _with_inner(self._names(job), job, self.configuration.variables)
        own = {name: variable.value for name, variable in job.variables.items() if name in names}
        if job.inherited_variables is not True:
            wanted = job.inherited_variables or ()
            left_out = frozenset(name for name in names if name not in wanted)
        else:
            left_out = frozenset()
        of_job = {name: value for name, value in job_variables(job).items() if name in names}
        policies = (job.only, job.except_) if job.rules is None else None
        key = (id(job.rules), policies, tuple(own.items()), left_out, tuple(of_job.items()), job.when == "never")
        if key not in self._presences:
            self._presences[key] = self._decide(job, own, left_out, of_job)
        return self._presences[key]

    def _names(self, job: Job) -> frozenset[str]:
        """Return the variables that the job's conditions ask for."""
        key = id(job.rules) if job.rules is not None else id(job)
        if key not in self._asked:
            policies = [each for each in (job.only, job.except_) if each is not None]
            self._asked[key] = (job.rules or (), frozenset(_names(job.rules or (), policies)))
        return self._asked[key][1]

    def _decide(
        self, job: Job, own: Mapping[str, str], left_out: frozenset[str], of_job: Mapping[str, str]
    ) -> Presence:
        found: list[tuple[Box, Rule | None]] = []
        absent: list[Box] = []
        unruled = self.configuration.workflow.rules is None
        for boxes, scope in self.contexts:
            seen = scope
            if own or left_out or of_job:
                kept = {name: value for name, value in scope.inherited.items() if name not in left_out}
                seen = replace(scope, own=own, inherited=kept, of_job=of_job, questions={})
            if job.rules is not None:
                for box, rule in first_match(job.rules, boxes, seen):
                    inside = rule is not None and (rule.when or job.when) != "never"
                    (found.append((box, rule)) if inside else absent.append(box))
            else:
                for box, inside in by_policies(job, boxes, seen, by_default=unruled):
                    (found.append((box, None)) if inside and job.when != "never" else absent.append(box))
                    bounded(found)
                    bounded(absent)
        return Presence(tuple(found), tuple(compact(absent)))

    def ways(self, name: str) -> tuple[Way, ...]:
        """Return the ways of a job into the pipeline."""
        if name not in self._ways:
            job = self.jobs[name]
            self._ways[name] = tuple(_way(job, box, rule) for box, rule in self.presence(job).rules)
        return self._ways[name]

    def absent(self, name: str) -> tuple[Box, ...]:
        """Return the events in which there is the pipeline, but not the job."""
        return self.presence(self.jobs[name]).absent

    def needed(self, need: Need) -> tuple[str, ...]:
        """Return the jobs of this pipeline that a need means."""
        return needed_jobs(need, self.configuration.groups, self.configuration.jobs) if need.is_here else ()

    def starts_of(self, name: str) -> Starts:
        """Return the events in which a trigger job starts its child pipeline, by the variables it passes on."""
        job = self.jobs[name]
        found: Starts = []
        for boxes, scope in self.contexts:
            groups: dict[int, tuple[list[Box], Way]] = {}
            for way in self.ways(name):
                inside = groups.setdefault(id(way.variables) if way.variables else 0, ([], way))[0]
                inside.extend(meetings([way.box], boxes))
            for inside, way in groups.values():
                below = Scope(space=scope.space, child=True, passed=_passed(job, scope, way))
                found.append((compact(inside), below))
        return [(boxes, scope) for boxes, scope in found if boxes]


def _passed(job: Job, scope: Scope, way: Way) -> dict[str, Passed]:
    """Return the variables that a trigger job passes on: those it inherits, its own, and its rule's."""
    if job.trigger is None or not job.trigger.forward_yaml_variables:
        return {}
    wanted = job.inherited_variables
    seen = {key: text for key, text in scope.inherited.items() if wanted is True or (wanted and key in wanted)}
    own = {key: each.value for key, each in job.variables.items()}
    above = replace(scope, own=own, inherited=seen, questions={})
    passed = {key: Passed(text, above, raw=False) for key, text in seen.items()}
    passed.update((key, Passed(each.value, above, raw=each.raw)) for key, each in job.variables.items())
    passed.update((key, Passed(text, above, raw=False)) for key, text in way.variables.items())
    return passed


def _way(job: Job, box: Box, rule: Rule | None) -> Way:
    optional = job.allow_failure.allowed
    if rule is not None and rule.allow_failure is not None:
        optional = rule.allow_failure
    return Way(
        box=box,
        when=(rule.when if rule is not None else None) or job.when,
        optional=optional,
        needs=rule.needs if rule is not None and rule.needs is not None else job.needs,
        variables=rule.variables if rule is not None else {},
    )


def _with_inner(names: frozenset[str], job: Job, variables: Mapping[str, Variable]) -> frozenset[str]:
    """Return the names, and those that their values refer to."""
    found, waiting = set(names), list(names)
    while waiting:
        name = waiting.pop()
        for defined in (job.variables.get(name), variables.get(name)):
            inner = set(references(defined)) - found if defined is not None else set()
            found |= inner
            waiting.extend(inner)
    return frozenset(found) if len(found) > len(names) else names


def _names(rules: Iterable[Rule], policies: Iterable[Policy]) -> Iterator[str]:
    from mcci.check.proofs.usage import variables
    from mcci.pipeline.expressions import ExpressionError, parse

    expressions = [rule.condition for rule in rules if rule.condition is not None]
    texts: list[str] = []
    for rule in rules:
        for clause in (rule.changes, rule.exists):
            texts.extend(clause.paths if clause is not None else ())
        texts.extend(text for text in (rule.changes and rule.changes.compare_to,) if text)
    for policy in policies:
        expressions.extend(policy.variables or ())
        texts.extend(policy.changes or ())
    for expression in expressions:
        try:
            yield from variables(parse(expression))
        except ExpressionError:
            continue
    for text in texts:
        yield from references(Variable(key="", value=text))


class Family:
    """A pipeline with all that are below it, its first."""

    def __init__(self, pipelines: list[Pipeline], default_branch: str, branch: str, branches: tuple[str, ...]) -> None:
        self.pipelines = pipelines
        self.usage: Usage = usage(pipelines)
        self.space = EventSpace(self.usage, default_branch, branches)
        self.branch = branch
        self.members: list[Member] = []
        by_pipeline: dict[int, Member] = {}
        for pipeline in pipelines:
            member = Member(self, pipeline, self._starts(pipeline, by_pipeline))
            by_pipeline[id(pipeline)] = member
            self.members.append(member)
        self.above = {id(each): by_pipeline.get(id(each.pipeline.parent)) for each in self.members}

    @property
    def root(self) -> Member:
        """Return the pipeline that events start."""
        return self.members[0]

    def parent(self, member: Member) -> Member | None:
        """Return the pipeline that starts this one."""
        return self.above[id(member)]

    def here(self) -> Box:
        """Return the events that run these files: those on their own branch, and on branches that are no others'."""
        others = set(self.space.branches) - {self.branch} if self.branch else set()
        ref = self.space.ref
        return {ref: bits(ref, lambda name: name not in others)} if others else ALL

    def _starts(self, pipeline: Pipeline, known: Mapping[int, Member]) -> Starts:
        variables = pipeline.configuration.variables
        inherited = {key: variable.value for key, variable in variables.items()}
        raw = frozenset(key for key, variable in variables.items() if variable.raw)
        if pipeline.parent is None:
            return [([ALL], Scope(space=self.space, inherited=inherited, raw=raw))]
        above = known.get(id(pipeline.parent))
        if above is None:
            return []
        starts = [
            start for name in above.configuration.groups.get(pipeline.started_by, ()) for start in above.starts_of(name)
        ]
        return [(boxes, replace(scope, inherited=inherited, raw=raw)) for boxes, scope in starts]
