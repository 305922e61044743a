"""Whatever stands in a configuration, simulating gives pipelines or findings with positions, never a traceback."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcci.pipeline.files import MemoryFiles
from mcci.simulation import explain, report
from mcci.simulation.events import Event, MergeRequest, Project, ProjectVariable, Source
from mcci.simulation.graph import html, model, text
from mcci.simulation.pipelines import simulate
from tests.tools.examples import examples

KEYS = [
    "stages", "default", "include", "variables", "workflow", "spec", "inputs", "job", "build", ".hidden", "pages",
    "script", "stage", "rules", "if", "changes", "exists", "when", "allow_failure", "exit_codes", "needs", "job",
    "optional", "artifacts", "parallel", "matrix", "extends", "only", "except", "refs", "trigger", "strategy",
    "project", "branch", "local", "file", "ref", "remote", "template", "component", "environment", "name", "url",
    "action", "resource_group", "interruptible", "retry", "max", "inherit", "compare_to", "paths", "start_in",
    "description", "value", "options", "expand", "auto_cancel", "dependencies", "pipeline", "forward", "image",
    "tags", "cache",
]  # fmt: skip
TEXTS = [
    "build", "test", "job", ".hidden", ".gitlab-ci.yml", "child.yml", "*.yml", "$A", "${A}", "$A == 'x'", "$A =~ /x./",
    "$A && (", "/(a+)+$/", "manual", "never", "delayed", "always", "1 hour", "**/*", "{a,b}/**", "[", "$[[ inputs.x ]]",
    "$[[ inputs.x | expand_vars ]]", "branches", "/main/", "merge_requests", "group/project", "", "\x85", "\U0001f600",
    "!reference", "mirror", "https://x/y.yml", "a/b/c@1", "$CI_COMMIT_BRANCH", "../../etc/passwd",
]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-5, 300) | st.floats(allow_nan=False) | st.sampled_from(TEXTS)
names = st.sampled_from(KEYS) | st.sampled_from(TEXTS)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)
jobs = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)
configurations = st.dictionaries(names, jobs | values, max_size=6)


def as_yaml(value: Any, references: bool) -> str:
    """Write a value as JSON, which is YAML, with some lists turned into references."""
    written = json.dumps(value)
    return written.replace("[", "!reference [") if references else written


def project(texts: dict[str, str]) -> Project:
    """Return a project whose branches all have these files."""
    files = MemoryFiles(texts)
    variables = (ProjectVariable(key="SECRET", value="hidden", masked=True), ProjectVariable(key="A", value="$B"))
    return Project(files=lambda _ref: files, variables=variables)


def look_at_everything(given_project: Project, event: Event) -> None:
    """Simulate an event, and show the result in every form."""
    pipeline = simulate(given_project, event)
    for one in pipeline.all_pipelines():
        for finding in (*one.findings, *one.configuration.findings):
            assert finding.position.line >= 1
            assert finding.position.file
    assert report.text(pipeline, why=True)
    json.dumps(report.document(pipeline))
    drawing = model.drawing(pipeline)
    assert text.mermaid(drawing).startswith("flowchart")
    assert text.dot(drawing).startswith("digraph")
    assert html.html(drawing).startswith("<!doctype html>")
    for job in pipeline.configuration.jobs.values():
        found = list(explain.places(pipeline, job.name))
        json.dumps(explain.document(job, found))
        assert explain.text(job, found)


EVENTS = [
    Event(source=Source.PUSH, ref="main", changes=("a/b.py",)),
    Event(
        source=Source.MERGE_REQUEST,
        ref="feature",
        merge_request=MergeRequest(source="feature", target="main"),
        inputs={"x": "1"},
        variables={"A": "x"},
    ),
    Event(source=Source.PUSH, ref="v1", tag=True),
]


@settings(max_examples=examples(70), deadline=None, suppress_health_check=list(HealthCheck))
@given(configuration=configurations, child=configurations, references=st.booleans(), event=st.sampled_from(EVENTS))
def test_any_structure(configuration: Any, child: Any, references: bool, event: Event) -> None:
    """Unknown keywords, wrong types everywhere, references to anything: pipelines or findings."""
    texts = {".gitlab-ci.yml": as_yaml(configuration, references), "child.yml": as_yaml(child, references=False)}
    look_at_everything(project(texts), event)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.text(max_size=300) | st.text(alphabet="[]{}:,-?&*!|>'\"%@` \n\tab$#<", max_size=200))
def test_any_text(content: str) -> None:
    """Any text at all: pipelines or findings."""
    look_at_everything(project({".gitlab-ci.yml": content}), EVENTS[0])


@settings(max_examples=examples(70), deadline=None, suppress_health_check=list(HealthCheck))
@given(header=values, content=st.sampled_from(TEXTS), given_inputs=st.dictionaries(st.just("x"), values, max_size=1))
def test_any_header(header: Any, content: str, given_inputs: dict[str, Any]) -> None:
    """Any spec header, whatever inputs are given: pipelines or findings."""
    written = (
        f'{json.dumps({"spec": header})}\n---\njob:\n  script: "{content}"\n  x: $[[ inputs.x | truncate(0,1) ]]\n'
    )
    event = Event(source=Source.WEB, ref="main", inputs=given_inputs)
    look_at_everything(project({".gitlab-ci.yml": written}), event)


VALID: dict[str, Any] = {
    "stages": ["one", "two"],
    "variables": {"A": "x", "B": {"value": "$A", "description": "d", "expand": False}},
    "default": {"image": "alpine", "retry": {"max": 1, "when": ["script_failure"]}, "tags": ["t"]},
    "workflow": {
        "name": "$A",
        "auto_cancel": {"on_new_commit": "none"},
        "rules": [{"if": "$A", "variables": {"C": "y"}}],
    },
    ".base": {
        "script": ["a", ["b"]],
        "rules": [{"changes": {"paths": ["a/**"], "compare_to": "main"}}, {"when": "manual"}],
    },
    "first": {
        "extends": ".base",
        "stage": "one",
        "variables": {"D": "$A"},
        "parallel": {"matrix": [{"M": ["1", "2"]}]},
    },
    "second": {
        "stage": "two",
        "script": "x",
        "needs": [{"job": "first", "optional": True, "parallel": {"matrix": [{"M": "1"}]}}],
        "environment": {"name": "e/$A", "action": "start"},
        "resource_group": "g/$A",
        "allow_failure": {"exit_codes": [3]},
        "rules": [{"exists": ["*.py"], "when": "delayed", "start_in": "1 hour"}, {"if": "$A", "needs": ["first"]}],
    },
    "third": {"stage": "two", "script": "x", "only": {"refs": ["main"], "changes": ["a/*"]}, "except": ["tags"]},
    "child": {
        "stage": "two",
        "trigger": {"include": [{"local": "child.yml", "inputs": {"x": "1"}}], "strategy": "depend"},
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values in a structure."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, item in items for found in places(item, (*path, key))]


def mutated(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a structure with the value at `path` replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = mutated(copy[path[0]], path[1:], new)
    return copy


@settings(max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.tuples(st.sampled_from(places(VALID)), values), max_size=2), event=st.sampled_from(EVENTS))
def test_a_valid_configuration_gone_wrong(changes: list[tuple[tuple[Any, ...], Any]], event: Event) -> None:
    """A value or two of a valid configuration replaced by anything: pipelines or findings."""
    configuration: Any = VALID
    for path, new in changes:
        if path in places(configuration):
            configuration = mutated(configuration, path, new)
    child: dict[str, Any] = {"spec": {"inputs": {"x": {}}}}
    texts = {
        ".gitlab-ci.yml": json.dumps(configuration),
        "child.yml": f"{json.dumps(child)}\n---\njob: {{script: $[[ inputs.x ]]}}\n",
    }
    look_at_everything(project(texts), event)
