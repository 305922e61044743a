"""The events in which a job is there, found for all of them at once, are those for which the simulation has it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mcci.check.collect import collect
from mcci.check.proofs.event_space import EventSpace
from mcci.check.proofs.family import Family, Member
from mcci.check.proofs.proving import proving
from mcci.check.proofs.space import Dimension, holds
from mcci.check.proofs.witness import plainest
from mcci.check.prove import prove
from mcci.check.subject import Context
from mcci.pipeline.files import MemoryFiles
from mcci.pipeline.globs import matches
from mcci.simulation.events import Event, Project, ProjectVariable
from mcci.simulation.pipelines import Pipeline, PlannedJob, simulate
from tests.tools.examples import examples

FILES = ("a/x.py", "a/b/y.py", "README.md", "c.yml")
CONDITIONS = (
    '$CI_PIPELINE_SOURCE == "push"',
    '$CI_PIPELINE_SOURCE == "merge_request_event"',
    '$CI_PIPELINE_SOURCE != "schedule" && $CI_COMMIT_BRANCH',
    "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
    '$CI_COMMIT_BRANCH == "main" || $CI_COMMIT_TAG',
    "$CI_COMMIT_BRANCH =~ /^release/",
    "$CI_COMMIT_TAG =~ /^v\\d+/",
    "$CI_COMMIT_REF_NAME !~ /x$/i",
    "$CI_MERGE_REQUEST_ID == null",
    "$CI_MERGE_REQUEST_ID",
    '$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "main" && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID',
    "$CI_OPEN_MERGE_REQUESTS",
    '$CI_MERGE_REQUEST_EVENT_TYPE == "merged_result"',
    '$CI_COMMIT_REF_PROTECTED == "true"',
    '$CI_MERGE_REQUEST_DRAFT == "true"',
    '$FOO == "x"',
    "$FOO",
    "$FOO && $BAR == null",
    '"" || $FOO',
    "!$BAR",
    "($FOO || $BAR) && $CI_COMMIT_BRANCH",
    "$FOO == $BAR",
    "$FOO =~ /^[a-c]+$/ && $FOO !~ /b/",
    '$OWN == "one"',
    "$FOO =~ $PATTERN",
    "$CI_MERGE_REQUEST_LABELS =~ /go/",
    '$CI_JOB_STAGE == "test"',
    '$CI_COMMIT_REF_SLUG == "release-1"',
    "not an expression",
)
conditions = st.sampled_from(CONDITIONS)
patterns = st.lists(
    st.sampled_from(["a/**/*", "a/*", "**/*.py", "*.md", "$DIRECTORY/x.py", "{a,c}*", "nothing"]),
    min_size=1,
    max_size=2,
)
changes = st.one_of(
    patterns, st.builds(lambda paths, ref: {"paths": paths, "compare_to": ref}, patterns, st.just("refs/heads/main"))
)


@st.composite
def rule(draw: st.DrawFn, whens: tuple[str, ...]) -> dict[str, Any]:
    """Return one rule."""
    made: dict[str, Any] = {}
    if draw(st.booleans()):
        made["if"] = draw(conditions)
    if draw(st.integers(0, 3)) == 0:
        made["changes"] = draw(changes)
    if not made or draw(st.booleans()):
        made["when"] = draw(st.sampled_from(whens))
    if "on_success" in whens and draw(st.integers(0, 4)) == 0:
        made["allow_failure"] = draw(st.booleans())
    if draw(st.integers(0, 4)) == 0:
        made["variables"] = {"FOO": draw(st.sampled_from(["x", "a", "$BAR"]))}
    return made


@st.composite
def policy(draw: st.DrawFn) -> Any:
    """Return what `only` or `except` has."""
    refs = st.lists(
        st.sampled_from(["branches", "tags", "main", "/^release/", "merge_requests", "pushes", "web"]),
        min_size=1,
        max_size=2,
        unique=True,
    )
    if draw(st.booleans()):
        return draw(refs)
    made: dict[str, Any] = {}
    if draw(st.booleans()):
        made["refs"] = draw(refs)
    if draw(st.booleans()):
        made["variables"] = draw(st.lists(conditions, min_size=1, max_size=2))
    if not made or draw(st.booleans()):
        made["changes"] = draw(patterns)
    return made


@st.composite
def job(draw: st.DrawFn, *, trigger: bool = False) -> dict[str, Any]:
    """Return one job."""
    made: dict[str, Any] = {"stage": draw(st.sampled_from(["build", "test"]))}
    if trigger:
        made["trigger"] = {"include": [{"local": "child.yml"}]}
        if draw(st.booleans()):
            made["trigger"]["forward"] = {"yaml_variables": draw(st.booleans())}
    else:
        made["script"] = ["make"]
    kind = draw(st.integers(0, 5))
    if kind < 4:
        whens = ("on_success", "never", "always", *(() if trigger else ("manual",)))
        made["rules"] = draw(st.lists(rule(whens), min_size=1, max_size=3))
    elif kind == 4 and not trigger:
        made["only"] = draw(policy())
        if draw(st.booleans()):
            made["except"] = draw(policy())
    if draw(st.booleans()):
        made["variables"] = {
            draw(st.sampled_from(["OWN", "FOO", "DIRECTORY"])): draw(st.sampled_from(["one", "a", "$BAR"]))
        }
    if draw(st.integers(0, 4)) == 0:
        made["inherit"] = {"variables": draw(st.sampled_from([False, ["FOO"]]))}
    return made


@st.composite
def configuration(draw: st.DrawFn, *, child: bool) -> dict[str, Any]:
    """Return one configuration, with a trigger job unless it is a child's."""
    made: dict[str, Any] = {"stages": ["build", "test"]}
    if draw(st.booleans()):
        made["workflow"] = {"rules": draw(st.lists(rule(("always", "never")), min_size=1, max_size=3))}
        for each in made["workflow"]["rules"]:
            each.pop("allow_failure", None)
    if draw(st.booleans()):
        names = st.sampled_from(["FOO", "BAR", "DIRECTORY", "PATTERN"])
        made["variables"] = draw(st.dictionaries(names, st.sampled_from(["a", "x", "/^a/", "$FOO-y"]), max_size=2))
    for index in range(draw(st.integers(1, 2))):
        made[f"job{index}"] = draw(job())
    if not child:
        made["below"] = draw(job(trigger=True))
    return made


def written(content: dict[str, Any]) -> str:
    """Return a configuration as YAML."""
    from io import StringIO

    stream = StringIO()
    YAML(typ="safe").dump(content, stream)
    return stream.getvalue()


@st.composite
def point(draw: st.DrawFn, space: EventSpace) -> tuple[dict[Dimension, Any], Event, Project]:
    """Return a point of the space, with the event there and the project in which it happens."""
    plain = [space.kind, space.ref, space.target, space.fork, space.merge_request_kind, space.draft, space.open]
    people = [*space.given.values(), *space.settings.values()]
    made: dict[Dimension, Any] = {
        each: draw(st.sampled_from(each.values)) for each in [*plain, space.protected, space.target_protected, *people]
    }
    files = tuple(draw(st.lists(st.sampled_from(FILES), unique=True)))
    for (paths, _), dimension in space.changes.items():
        made[dimension] = any(matches(path, file) for path in paths for file in files)
    event = space.event(made)
    if event.merge_request is not None:
        made[space.open] = True
        if event.merge_request.source == event.merge_request.target:
            made[space.target_protected] = made[space.protected]
    protected = [event.ref] if made[space.protected] else []
    if event.merge_request is not None and made[space.target_protected]:
        protected.append(event.merge_request.target)
    given = {
        name: made[space.given[name]]
        for name in space.given
        if made[space.given[name]] is not None
        and event.merge_request is None
        and not name.startswith("CI_MERGE_REQUEST_")
    }
    from dataclasses import replace

    event = replace(event, changes=files, variables=given)
    project = Project(
        files=lambda _ref: MemoryFiles({}),
        default_branch=space.default_branch,
        protected=tuple(protected),
        variables=tuple(
            ProjectVariable(key=name, value=made[dimension])
            for name, dimension in space.settings.items()
            if made[dimension] is not None
            and (event.merge_request is not None or not name.startswith("CI_MERGE_REQUEST_"))
        ),
    )
    return made, event, project


def present(member: Member, at: dict[Dimension, Any]) -> dict[str, tuple[str, bool]]:
    """Return the jobs that the proof says are there, each with its `when` and whether it may fail."""
    found: dict[str, tuple[str, bool]] = {}
    for name in member.jobs:
        here = [way for way in member.ways(name) if holds(way.box, at)]
        assert len(here) <= 1, "the ways of a job exclude each other"
        absent = [box for box in member.absent(name) if holds(box, at)]
        assert not (here and absent), "a job is there or not"
        if here:
            found[name] = (here[0].when, here[0].optional)
    return found


def simulated(pipeline: Pipeline | None) -> dict[str, tuple[str, bool]]:
    """Return the same as the simulation has it."""
    planned: tuple[PlannedJob, ...] = pipeline.jobs if pipeline is not None else ()
    return {each.name: (each.when, each.allow_failure.allowed) for each in planned}


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(40))
@given(parent=configuration(child=False), below=configuration(child=True), data=st.data())
def test_as_simulated(parent: dict[str, Any], below: dict[str, Any], data: st.DataObject) -> None:
    """At any point of the space the proof has the jobs of the parent and of the child that the simulation has."""
    texts = {".gitlab-ci.yml": written(parent), "child.yml": written(below), **dict.fromkeys(FILES, "")}
    subject = collect(MemoryFiles(texts), [".gitlab-ci.yml"], Context())
    if any(not each.configuration.is_valid for each in subject.pipelines):
        return
    (family,) = proving(subject).families
    for member in family.members:
        for name in member.jobs:
            member.ways(name)
    for _ in range(5):
        at, event, project = data.draw(point(family.space))
        from dataclasses import replace

        found = simulate(replace(project, files=lambda _ref: MemoryFiles(texts)), event)
        if any(each.findings for each in found.all_pipelines()):
            continue
        note(f"{texts['.gitlab-ci.yml']}\n{texts['child.yml']}\n{event}\n{project.variables}")
        compare(family, at, found)


def compare(family: Family, at: dict[Dimension, Any], found: Pipeline) -> None:
    """Hold the jobs of a family at a point against a simulated pipeline and its child."""
    expected = simulated(found)
    if not found.decision.included and "empty" in found.decision.reason:
        expected = {}
    assert present(family.root, at) == expected
    child = next((each.child for each in found.jobs if each.child is not None), None)
    for member in family.members[1:]:
        assert present(member, at) == simulated(child)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(40))
@given(parent=configuration(child=False), below=configuration(child=True))
def test_witness(parent: dict[str, Any], below: dict[str, Any]) -> None:
    """The plainest event that the proof names for a job has this job when it is simulated; no proof ends otherwise."""
    texts = {".gitlab-ci.yml": written(parent), "child.yml": written(below), **dict.fromkeys(FILES, "")}
    subject = collect(MemoryFiles(texts), [".gitlab-ci.yml"], Context())
    prove(subject)
    if any(not each.configuration.is_valid for each in subject.pipelines):
        return
    (family,) = proving(subject).families
    for member in family.members:
        for name in member.jobs:
            found = plainest([way.box for way in member.ways(name)], family.space)
            if found is None:
                continue
            project = Project(
                files=lambda _ref: MemoryFiles(texts),
                default_branch=found.default_branch,
                protected=found.protected,
                variables=found.settings,
            )
            pipeline = simulate(project, found.event)
            note(f"{texts['.gitlab-ci.yml']}\n{texts['child.yml']}\n{name}: {found}")
            if not any(one.findings for one in pipeline.all_pipelines()):
                named = {planned.name for one in pipeline.all_pipelines() for planned in one.jobs}
                assert name in named
                assert (found.command() or "mcci simulate ").startswith("mcci simulate ")
