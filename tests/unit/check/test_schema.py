"""What the schema rule lets pass, and how it speaks."""

from __future__ import annotations

import pytest

from mcci.check.gitlab_schema import JOB, GitlabSchema
from mcci.pipeline.document import Map, read

SCHEMA = GitlabSchema()


def said(keyword: str, text: str) -> list[str]:
    """Return what is wrong with a job keyword's value, given as YAML."""
    (document,) = read(f"{keyword}: {text}", "f")
    assert isinstance(document, Map)
    return [problem.message for problem in SCHEMA.problems(JOB, keyword, document[keyword])]


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("when", "$[[ inputs.when ]]"),
        ("image", "!reference [.x, image]"),
        ("script", "[!reference [.x, script], make]"),
        ("needs", "{pipeline: group/other}"),
        ("needs", "[{pipeline: group/other}]"),
        ("needs", "[{job: '$[[ inputs.job ]]'}]"),
        ("environment", "{name: x, url: '${APP_URL}/path'}"),
        ("trigger", "{include: [a.yml, {local: b.yml}]}"),
        ("trigger", "{project: $PROJECT}"),
        ("inherit", "{default: [id_tokens, hooks]}"),
        ("parallel", "$[[ inputs.count ]]"),
        ("rules", "[!reference [.x, rules], {if: $A}]"),
        ("variables", "{A: true, B: 1, C: {value: x, expand: false}}"),
        ("cache", "[{key: {files: [a]}, paths: [b], policy: $POLICY}]"),
        ("allow_failure", "{exit_codes: [1, 2]}"),
    ],
)
def test_allowed(keyword: str, text: str) -> None:
    """Forms that GitLab takes pass, also where the schema refuses them or only GitLab can know."""
    assert said(keyword, text) == []


@pytest.mark.parametrize(
    ("keyword", "text", "message"),
    [
        (
            "when",
            "manul",
            "must be one of on_success, on_failure, always, never, manual, delayed; did you mean 'manual'?",
        ),
        ("retry", "3", "must be at most 2"),
        ("interruptible", "1", "must be true or false, not 1"),
        ("image", "{entrypoint: [sh]}", "lacks 'name'"),
        ("image", "''", "must not be empty"),
        ("tags", "docker", "must be a list, not docker"),
        ("allow_failure", "[1]", "must be true or false or a mapping, not a list"),
        ("artifacts", "{report: x}", "is an unknown key; did you mean 'reports'?"),
        ("parallel", "201", "must be at most 200"),
        ("trigger", "{strategy: mirrored, include: a.yml}", "must be depend or mirror; did you mean 'mirror'?"),
        ("release", "{tag_name: x, description: y, released_at: now}", "must match"),
        ("artifacts", "{access: all, public: true}", "combines keys that exclude each other"),
        ("rules", "[{changes: {paths: [a], regexp: b}}]", "mixes forms that exclude each other"),
    ],
)
def test_refused(keyword: str, text: str, message: str) -> None:
    """A mistake gives one problem, said in a person's words."""
    (problem,) = said(keyword, text)
    assert problem.startswith(message)


def test_equal_values_of_other_types_are_told_apart() -> None:
    """That `1` passed does not let `true` pass, though Python calls them equal."""
    assert said("parallel", "2") == []
    assert said("parallel", "true") != []
