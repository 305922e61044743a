"""What jobs wait for where rules let them in by variables, and through children: as the status engine plays it."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from mcci.check.collect import collect
from mcci.check.proofs.family import Family, Member
from mcci.check.proofs.order import Order
from mcci.check.proofs.proving import proving
from mcci.check.proofs.space import Box, Dimension, holds
from mcci.pipeline.files import MemoryFiles
from mcci.simulation.events import Event, Project, ProjectVariable, Source
from mcci.simulation.pipelines import Pipeline, simulate
from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import Status
from mcci.simulation.status.planned import downstream, pipeline_spec
from mcci.simulation.status.settling import settle
from mcci.simulation.statuses import when_played
from tests.tools.examples import examples

RAN = {"success", "failed", "running", "pending"}
STAGES = ("one", "two", "three")
CONDITIONS = ("$A", "$B", "$A == null", '$A == "x" || $B', "$CI_COMMIT_BRANCH")
WHENS = ("on_success", "on_success", "on_success", "manual", "always", "on_failure")
MANY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(40))


@st.composite
def rules(draw: st.DrawFn, whens: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return one rule under a condition, and perhaps one for all else."""
    found: list[dict[str, Any]] = [{"if": draw(st.sampled_from(CONDITIONS)), "when": draw(st.sampled_from(whens))}]
    if draw(st.booleans()):
        found.append({"when": draw(st.sampled_from(whens))})
    for rule in found:
        if draw(st.integers(0, 2)) == 0:
            rule["allow_failure"] = draw(st.booleans())
    return found


@st.composite
def graph(draw: st.DrawFn, prefix: str, *, below: bool) -> dict[str, Any]:
    """Return a configuration whose jobs come by variables and wait for each other; `below`: one starts a child."""
    made: dict[str, Any] = {"stages": list(STAGES)}
    names: list[str] = []
    count = draw(st.integers(2, 4))
    trigger = draw(st.integers(0, count - 1)) if below else -1
    for index in range(count):
        earliest = max((STAGES.index(made[name]["stage"]) for name in names), default=0)
        job: dict[str, Any] = {"stage": STAGES[draw(st.integers(earliest, 2))]}
        if index == trigger:
            job["trigger"] = {"include": [{"local": "child.yml"}]}
            if draw(st.booleans()):
                job["trigger"]["strategy"] = draw(st.sampled_from(["depend", "mirror"]))
            job["rules"] = draw(rules(("on_success", "always", "manual")))
        else:
            job["script"] = ["make"]
            job["rules"] = draw(rules(WHENS))
        if draw(st.booleans()) and names:
            needed = sorted(draw(st.sets(st.sampled_from(names), max_size=2)))
            job["needs"] = [{"job": name, "optional": draw(st.booleans())} for name in needed]
        names.append(f"{prefix}{index}")
        made[names[-1]] = job
    return made


def at(family: Family, values: dict[str, str | None]) -> dict[Dimension, Any]:
    """Return the point of a push to main where the project sets these variables."""
    space = family.space
    point: dict[Dimension, Any] = {}
    for name in ("kind", "ref", "target", "fork", "merge_request_kind", "draft", "open", "protected"):
        dimension: Dimension = getattr(space, name)
        point[dimension] = dimension.values[0]
    point.update((dimension, dimension.values[0]) for dimension in space.given.values())
    point.update((dimension, values.get(name)) for name, dimension in space.settings.items())
    return point


def inside(boxes: list[Box], point: dict[Dimension, Any]) -> bool:
    """Say whether a point is in one of the boxes."""
    return any(holds(box, point) for box in boxes)


class Played:
    """A parent and its child at one event: what the proof knows of them, and how the status engine plays them."""

    def __init__(self, content: dict[str, Any], child: dict[str, Any], data: st.DataObject) -> None:
        self.files = MemoryFiles({".gitlab-ci.yml": json.dumps(content), "child.yml": json.dumps(child)})
        (self.family,) = proving(collect(self.files, [".gitlab-ci.yml"])).families
        dimensions = self.family.space.settings
        self.values = {name: data.draw(st.sampled_from(each.values), name) for name, each in dimensions.items()}
        self.point = at(self.family, self.values)
        variables = tuple(
            ProjectVariable(key=key, value=value) for key, value in self.values.items() if value is not None
        )
        project = Project(files=lambda _ref: self.files, variables=variables)
        self.pipeline: Pipeline = simulate(project, Event(source=Source.PUSH, ref="main"))
        note(f"{json.dumps(content)}\n{json.dumps(child)}\n{self.values}")

    @property
    def refused(self) -> bool:
        """Return whether there is no pipeline, or GitLab would refuse one below it."""
        return not self.pipeline.decision.included or any(each.findings for each in self.pipeline.all_pipelines())

    def ran(self, pressed: list[str], failing: set[str]) -> set[str]:
        """Return the jobs that run; a trigger job that mirrors its child has run when the child has begun."""
        statuses = when_played(self.pipeline, pressed, failing)
        note(f"{pressed} pressed, {failing} fail: {statuses}")
        begun = any(frame == "p2" and status != "created" for (frame, _), status in statuses.items())
        triggers = {each.name for each in self.pipeline.jobs if begun and each.child is not None}
        return triggers | {name for (_, name), status in statuses.items() if status in RAN}

    def members(self) -> list[tuple[Member, Order]]:
        """Return each pipeline with its order."""
        return [(member, Order(self.family, member)) for member in self.family.members]


@MANY
@given(content=graph("job", below=True), child=graph("inner", below=False), data=st.data())
def test_unpressed(content: dict[str, Any], child: dict[str, Any], data: st.DataObject) -> None:
    """Whatever fails, in a child too, no job runs by itself of which the proof says that somebody has to press."""
    played = Played(content, child, data)
    if played.refused:
        return
    failing = data.draw(st.sets(st.sampled_from([*content, *child])))
    free = {
        name
        for member, order in played.members()
        for name in member.jobs
        if inside(order.unpressed(name), played.point)
    }
    assert played.ran([], failing) <= free


@MANY
@given(content=graph("job", below=True), child=graph("inner", below=False), data=st.data())
def test_unpressed_and_well(content: dict[str, Any], child: dict[str, Any], data: st.DataObject) -> None:
    """Of jobs that only follow successes, those run by themselves of which the proof says so, and no others."""
    for job in (job for each in (content, child) for job in each.values() if isinstance(job, dict)):
        for rule in job["rules"]:
            rule["when"] = "manual" if rule["when"] == "manual" else "on_success"
            if "trigger" in job and rule["when"] == "on_success":
                rule["allow_failure"] = False  # else its child may fail, which counts as success
    played = Played(content, child, data)
    if played.refused or not all(each.decision.included for each in played.pipeline.all_pipelines()):
        return
    free = {
        name
        for member, order in played.members()
        for name in member.jobs
        if inside(order.unpressed(name), played.point)
    }
    assert played.ran([], set()) == free


@MANY
@given(content=graph("job", below=True), child=graph("inner", below=False), data=st.data())
def test_without(content: dict[str, Any], child: dict[str, Any], data: st.DataObject) -> None:
    """A job of which the proof says that another must have succeeded does not run where that one fails."""
    played = Played(content, child, data)
    if played.refused:
        return
    member, order = data.draw(st.sampled_from(played.members()))
    before = data.draw(st.sampled_from(sorted(name for name, job in member.jobs.items() if job.trigger is None)))
    pressed = data.draw(st.lists(st.sampled_from(sorted(member.jobs)), max_size=6))
    failing = {before, *data.draw(st.sets(st.sampled_from(sorted(member.jobs)), max_size=2))}
    allowed = {
        name
        for name in member.jobs
        if name == before or inside(order.without(name, frozenset((before,))), played.point)
    }
    assert played.ran(pressed, failing).intersection(member.jobs) - {before} <= allowed


@MANY
@given(content=graph("job", below=False), child=graph("inner", below=False), data=st.data())
def test_together(content: dict[str, Any], child: dict[str, Any], data: st.DataObject) -> None:
    """Two jobs that the status engine has at work at once, in whatever order others end, the proof calls a race."""
    played = Played(content, child, data)
    if played.refused:
        return
    (_, order), *_ = played.members()
    instance = Instance(downstream=downstream)
    running = instance.create(pipeline_spec(played.pipeline), project="group/project", ref="main", source="push")
    settle(instance)
    for _ in range(12):
        jobs = list(running.jobs.values())
        busy = sorted(job.name for job in jobs if job.status in (Status.PENDING, Status.RUNNING))
        note(f"at work: {busy}")
        for one, other in combinations(busy, 2):
            assert inside(order.together(one, other), played.point), f"{one} and {other}"
        ready = [job for job in jobs if job.status in (Status.PENDING, Status.RUNNING, Status.MANUAL)]
        if not ready:
            return
        job = data.draw(st.sampled_from(ready), "next")
        if job.status is Status.MANUAL:
            actions.play(job)
        else:
            actions.run(job)
            (actions.succeed if data.draw(st.booleans(), "ends well") else actions.drop)(job)
        settle(instance)
