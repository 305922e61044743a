"""Two versions of a configuration are compared by what would run."""

from __future__ import annotations

from mcci.pipeline.files import MemoryFiles
from mcci.simulation.diff import compare, document, markdown, usual_events
from mcci.simulation.events import Project

OLD = """\
stages: [build, test]
build: {stage: build, script: [make]}
lint: {stage: test, script: [lint]}
request: {stage: test, script: [x], rules: [{if: $CI_MERGE_REQUEST_ID}]}
"""
NEW = """\
stages: [build, test]
build: {stage: build, script: [make all]}
check: {stage: test, script: [check], when: manual}
request: {stage: test, script: [x], rules: [{if: $CI_MERGE_REQUEST_ID}]}
"""


def project(text: str, **others: str) -> Project:
    """Return a project whose branches all have this configuration, and other files by name (`child` is child.yml)."""
    files = MemoryFiles({".gitlab-ci.yml": text, **{f"{name}.yml": each for name, each in others.items()}})
    return Project(files=lambda _ref: files)


def test_jobs_that_come_go_and_change() -> None:
    """Each event that runs something else is told, each job that differs with how; other events are left out."""
    differences = compare(project(OLD), project(NEW), usual_events(["main"], "main"))
    assert "merge_request_event" not in {difference.event.source.value for difference in differences}
    push = differences[0]
    assert [(change.kind, change.job, change.details) for change in push.changes] == [
        ("changed", "build", ("script",)),
        ("added", "check", ("stage test", "manual")),
        ("removed", "lint", ()),
    ]


def test_rules_that_decide_the_same_are_no_difference() -> None:
    """A rule written otherwise that makes the same pipelines changes nothing."""
    same = NEW.replace("{if: $CI_MERGE_REQUEST_ID}", "{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}")
    assert compare(project(NEW), project(same), usual_events(["main"], "main")) == []


def test_no_pipeline_any_more() -> None:
    """An event that no longer makes a pipeline says why."""
    never = "workflow: {rules: [{when: never}]}\n" + OLD
    (first, *_) = compare(project(OLD), project(never), usual_events(["main"], "main"))
    assert first.notes == ("there was a pipeline, now there is none: rule 1 matches: when: never",)


def test_refused() -> None:
    """What GitLab refuses is told, though there was no pipeline before either; a push that it still refuses is not."""
    never = project("workflow: {rules: [{when: never}]}\n" + OLD)
    bad = project("build: {stage: nowhere, script: [make]}\n")
    for old in (never, bad):
        (first, *_) = compare(old, bad, usual_events(["main"], "main"))
        assert first.notes[0].startswith("there is no pipeline, as before, and GitLab refuses it")
        assert "chosen stage 'nowhere' does not exist" in first.notes[1]
    dangling = project(OLD + "more: {stage: test, needs: [request], script: [x]}\n")
    assert compare(dangling, dangling, usual_events(["main"], "main")) == []
    (first, *_) = compare(never, dangling, usual_events(["main"], "main"))
    assert "'request' does not exist in the pipeline" in first.notes[1]


def test_child_that_comes() -> None:
    """A child pipeline that is refused now is told at the job that starts it."""
    parent = "go: {trigger: {include: child.yml}}\n"
    old, new = project(parent, child=OLD), project(parent, child="build: {stage: nowhere, script: [make]}\n")
    (first, *_) = compare(old, new, usual_events(["main"], "main"))
    assert first.notes[0] == "go → there was a pipeline, now there is none: the configuration is invalid"


def test_the_comment() -> None:
    """The comment is Markdown in which names are text, and one block tells a change that many events show."""
    odd = NEW.replace("check:", "'<b>|x':")
    differences = compare(project(OLD), project(odd), usual_events(["main"], "main"))
    comment = markdown(differences, "HEAD~1")
    assert comment.count("<details>") == 1
    assert "&lt;b>\\|x" in comment
    assert markdown([], "HEAD~1").endswith("Every event runs the same jobs.")
    assert document(differences, "r")["events"][0]["changes"][0] == {
        "kind": "changed",
        "pipeline": "",
        "job": "build",
        "details": ["script"],
    }
