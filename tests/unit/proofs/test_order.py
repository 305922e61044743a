"""What a job waits for, as the proofs find it, is what it waits for when the status engine plays the pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from mcci.check.collect import collect
from mcci.check.proofs.family import Family
from mcci.check.proofs.order import Order, State
from mcci.check.proofs.proving import proving
from mcci.pipeline.files import MemoryFiles
from mcci.simulation.events import Event, Project, Source
from mcci.simulation.pipelines import simulate
from mcci.simulation.statuses import when_played
from tests.tools.examples import examples

RAN = {"success", "failed", "running", "pending"}
STAGES = ("one", "two", "three")


@st.composite
def graph(draw: st.DrawFn) -> dict[str, Any]:
    """Return a configuration whose jobs wait for each other by stages, needs and presses; all are in each pipeline."""
    made: dict[str, Any] = {"stages": list(STAGES)}
    names: list[str] = []
    for index in range(draw(st.integers(2, 6))):
        earliest = max((STAGES.index(made[name]["stage"]) for name in names), default=0)
        stage = draw(st.integers(earliest, 2))
        when = draw(st.sampled_from(["on_success", "on_success", "manual", "always", "delayed", "on_failure"]))
        rule: dict[str, Any] = {"when": when}
        if when == "delayed":
            rule["start_in"] = "1 day"
        if draw(st.booleans()):
            rule["allow_failure"] = draw(st.booleans())
        job: dict[str, Any] = {"stage": STAGES[stage], "script": ["make"], "rules": [rule]}
        if draw(st.booleans()) and names:
            job["needs"] = list(draw(st.sets(st.sampled_from(sorted(names)), max_size=2)))
        names.append(f"job{index}")
        made[names[-1]] = job
    return made


def family_of(content: dict[str, Any]) -> tuple[Family, MemoryFiles]:
    """Return the family of one configuration, and its files."""
    files = MemoryFiles({".gitlab-ci.yml": json.dumps(content)})
    (family,) = proving(collect(files, [".gitlab-ci.yml"])).families
    return family, files


def played(files: MemoryFiles, pressed: list[str], failing: set[str]) -> dict[str, str]:
    """Return the statuses of all jobs once nothing more happens, by the status engine."""
    pipeline = simulate(Project(files=lambda _ref: files), Event(source=Source.PUSH, ref="main"))
    return {name: status for (_, name), status in when_played(pipeline, pressed, failing).items()}


def free(family: Family) -> set[str]:
    """Return the jobs of which the proof says that they can run without a press."""
    order = Order(family, family.root)
    return {name for name in family.root.jobs if order.unpressed(name)}


def ran(statuses: dict[str, str]) -> set[str]:
    """Return the jobs that ran."""
    return {name for name, status in statuses.items() if status in RAN}


FEW = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(50))


@FEW
@given(content=graph())
def test_unpressed(content: dict[str, Any]) -> None:
    """When nothing fails, exactly those jobs run by themselves of which the proof says so."""
    family, files = family_of(content)
    statuses = played(files, [], set())
    note(f"{json.dumps(content)}\n{statuses}")
    order = Order(family, family.root)
    assert ran(statuses) == {name for name in family.root.jobs if order._states(name)[State.RUNS]}
    assert ran(statuses) <= free(family)


@FEW
@given(content=graph(), data=st.data())
def test_unpressed_with_failures(content: dict[str, Any], data: st.DataObject) -> None:
    """Whatever fails, no job runs by itself of which the proof says that somebody has to press something."""
    family, files = family_of(content)
    failing = data.draw(st.sets(st.sampled_from(list(family.root.jobs))))
    statuses = played(files, [], failing)
    note(f"{json.dumps(content)}\n{failing}\n{statuses}")
    assert ran(statuses) <= free(family)


@FEW
@given(content=graph(), data=st.data())
def test_without(content: dict[str, Any], data: st.DataObject) -> None:
    """A job of which the proof says that another must have succeeded runs neither when that fails nor when it waits."""
    family, files = family_of(content)
    order = Order(family, family.root)
    names = list(family.root.jobs)
    before = data.draw(st.sampled_from(names))
    pressed = data.draw(st.lists(st.sampled_from(names), max_size=8))
    failing = {before, *data.draw(st.sets(st.sampled_from(names), max_size=2))}
    statuses = played(files, pressed, failing)
    note(f"{json.dumps(content)}\n{before} fails, {pressed} pressed, {failing} failing: {statuses}")
    assert ran(statuses) - {before} <= {
        name for name in names if name == before or order.without(name, frozenset((before,)))
    }


@pytest.mark.parametrize(
    ("one", "other", "waits"),
    [
        ({"stage": "one"}, {"stage": "two"}, True),
        ({"stage": "one"}, {"stage": "two", "needs": []}, False),
        ({"stage": "one"}, {"stage": "one"}, False),
        ({"stage": "one"}, {"stage": "one", "needs": ["one"]}, True),
        ({"stage": "one"}, {"stage": "two", "needs": ["between"]}, False),
        ({"stage": "one"}, {"stage": "three", "needs": ["after"]}, True),
        ({"stage": "one", "rules": [{"if": "$A"}]}, {"stage": "two", "rules": [{"if": "$A == null"}]}, True),
        ({"rules": [{"if": "$A"}]}, {"needs": [{"job": "one", "optional": True}]}, True),
    ],
)
def test_together(one: dict[str, Any], other: dict[str, Any], waits: bool) -> None:
    """Two jobs of one pipeline run at once unless one waits for the other, through stages, needs, or other jobs."""
    between = {"script": ["make"], "stage": "one"}
    after = {
        "script": ["make"],
        "stage": "two",
        "needs": ["one"],
        **({"rules": one["rules"]} if "rules" in one else {}),
    }
    content = {
        "stages": list(STAGES),
        "one": {"script": ["make"], "stage": "one", **one},
        "between": between,
        "after": after,
        "other": {"script": ["make"], "stage": "one", **other},
    }
    family, _ = family_of(content)
    order = Order(family, family.root)
    assert (not order.together("one", "other")) is waits
    assert (not order.together("other", "one")) is waits
