"""simulate, explain and graph as a user calls them: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mcci.__main__ import run

PARENT = """\
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH
stages: [child, deliver]
.base:
  script: [echo]
develop:
  stage: child
  trigger: {include: child.yml, strategy: depend}
deliver:
  extends: .base
  stage: deliver
  rules:
    - if: $CI_COMMIT_BRANCH == "development" && $CI_PIPELINE_SOURCE == "push"
"""
CHILD = """\
stages: [build, deploy]
build:
  stage: build
  script: [make]
  rules:
    - if: $CI_MERGE_REQUEST_ID
      changes: ["service/**/*"]
    - if: $CI_COMMIT_BRANCH
deploy:
  stage: deploy
  needs: [{job: build, optional: true}]
  script: [deploy]
  environment: production
  rules: [{when: manual}]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with a parent's and a child's configuration."""
    (tmp_path / ".gitlab-ci.yml").write_text(PARENT)
    (tmp_path / "child.yml").write_text(CHILD)
    return tmp_path


def call(*arguments: object) -> int:
    """Run one command line."""
    return run([str(argument) for argument in arguments])


def test_push(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A push shows the parent's jobs, the child's below them, and what is not usual about each."""
    assert call("simulate", "push", "--branch", "development", "--directory", checkout) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pipeline for a push to development: 2 jobs",
        "  child",
        "    develop  (trigger, strategy depend)",
        "      child pipeline for its parent: 2 jobs",
        "        build",
        "          build",
        "        deploy",
        "          deploy  (manual, blocking; needs build; environment production)",
        "  deliver",
        "    deliver",
    ]


def test_several_values_at_once(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--changes a b` is two files, and other options may follow."""
    call("simulate", "merge-request", "--changes", "x", "service/y", "--source", "f", "--target", "development",
         "--directory", checkout, "--format", "json")  # fmt: skip
    document = json.loads(capsys.readouterr().out)
    child = document["pipeline"]["jobs"][0]["child"]
    assert [job["name"] for job in child["jobs"]] == ["build", "deploy"]


def test_why(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --why each job has its reason, also those that are not there."""
    call(
        "simulate",
        "merge-request",
        "--changes",
        "x",
        "--source",
        "f",
        "--target",
        "m",
        "--why",
        "--directory",
        checkout,
    )
    out = capsys.readouterr().out
    assert "why: rule 1 matches: when: manual" in out
    assert "    deliver: no rule of the job matches" in out


def test_branches(checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --branches each event reads its own branch's folder; a merge request from elsewhere its target's."""
    root = tmp_path / "branches"
    for branch in ("main", "other"):
        (root / branch).mkdir(parents=True)
        (root / branch / ".gitlab-ci.yml").write_text(f"{branch}: {{script: x, rules: [{{when: always}}]}}\n")
    call("simulate", "push", "--branch", "other", "--branches", root)
    call("simulate", "merge-request", "--source", "feature", "--target", "main", "--branches", root)
    out = capsys.readouterr().out
    assert out.count("    other") == out.count("    main") == 1
    assert call("simulate", "push", "--branch", "nowhere", "--branches", root) == 0
    assert "there is no ref 'nowhere'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "code", "said"),
    [
        ("job: {script: x, stage: nowhere}\n", 2, ".gitlab-ci.yml:1:25:"),
        ("a: [\n", 2, "[yaml-syntax]"),
        ("a: {stage: build, script: x, rules: [{if: $NO}]}\nb: {script: x, needs: [a]}\n", 1, "[needs-missing]"),
    ],
)
def test_refused(checkout: Path, capsys: pytest.CaptureFixture[str], config: str, code: int, said: str) -> None:
    """A configuration that GitLab would not take ends with 2, one that makes no pipeline for an event with 1."""
    (checkout / ".gitlab-ci.yml").write_text(config)
    assert call("simulate", "push", "--directory", checkout) == code
    captured = capsys.readouterr()
    assert said in captured.err + captured.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate"],
        ["simulate", "push", "--source", "f"],
        ["simulate", "merge-request", "--source", "f"],
        ["simulate", "push", "--variable", "novalue"],
        ["simulate", "tag", "--branch", "b"],
        ["simulate", "push", "--directory", "/nowhere/at/all"],
        ["explain"],
        ["explain", "--expression", "$A ="],
    ],
)
def test_misused(arguments: list[str], checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that makes no sense is refused with what to do, and 2."""
    where = [] if "--directory" in arguments else ["--directory", checkout]
    assert call(*arguments, *where) == 2
    assert "error" in capsys.readouterr().err.lower()


def test_files_outside_are_not_read(checkout: Path) -> None:
    """An include, or a link, that leads out of the checkout finds nothing."""
    (checkout / "inner").mkdir()
    (checkout / "inner" / "link.yml").symlink_to(checkout / "child.yml")
    for include in ("../child.yml", "link.yml"):
        (checkout / "inner" / ".gitlab-ci.yml").write_text(f"include: {include}\njob: {{script: x}}\n")
        assert call("simulate", "push", "--directory", checkout / "inner") == 2


def test_explain_a_job(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A job is traced to its lines and its rules, with the value of each part of those that were tried."""
    assert call("explain", "deliver", "push", "--branch", "main", "--directory", checkout) == 0
    out = capsys.readouterr().out
    assert "deliver  .gitlab-ci.yml:11:1" in out
    assert "extends .base  .gitlab-ci.yml:6:1" in out
    assert "script  .gitlab-ci.yml:7:3" in out
    assert "deliver is not in the pipeline" in out
    assert '$CI_COMMIT_BRANCH → "main"' in out


def test_explain_names_the_nearest(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A job that is not there is refused with one that is."""
    assert call("explain", "delivr", "--directory", checkout) == 2
    assert "did you mean 'deliver'?" in capsys.readouterr().err


def test_explain_an_expression(capsys: pytest.CaptureFixture[str]) -> None:
    """The first line is the answer, the others are the values of its parts."""
    assert call("explain", "--expression", '$A == "x" && $B', "--variable", "A=x", "B=") == 0
    assert capsys.readouterr().out.splitlines() == [
        "false",
        '  $A == "x" && $B → ""',
        '    $A == "x" → true',
        '      $A → "x"',
        '    $B → ""',
    ]


def test_graph(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every form of the drawing has every job; the SVG is well-formed, the page loads nothing."""
    for form in ("mermaid", "dot", "svg", "html"):
        assert call("graph", "push", "--branch", "development", "--directory", checkout, "--format", form) == 0
        out = capsys.readouterr().out
        assert all(name in out for name in ("develop", "deliver", "build", "deploy"))
        if form == "svg":
            root = ElementTree.fromstring(out)
            assert len([one for one in root.iter() if one.get("data-name")]) == 4
        if form == "html":
            assert "http://" not in out.replace("http://www.w3.org/2000/svg", "")
            assert "https://" not in out
            assert " src=" not in out


def test_graph_escapes(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A job's name is text in every drawing, whatever it looks like."""
    (checkout / ".gitlab-ci.yml").write_text("'<script>alert(1)</script> \"]': {script: x}\n")
    for form in ("svg", "html"):
        call("graph", "push", "--directory", checkout, "--format", form)
        assert "<script>alert" not in capsys.readouterr().out


def test_graph_statuses(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Statuses are those once all that runs by itself has run; pressing and failing jobs changes them."""
    arguments = ["graph", "push", "--branch", "development", "--directory", checkout, "--status", "played"]
    call(*arguments)
    assert '"build (success)"' in (out := capsys.readouterr().out)
    assert '"deploy (manual)"' in out
    call(*arguments, "--play", "deploy", "--fail", "deploy")
    assert '"deploy (failed)"' in (out := capsys.readouterr().out)
    assert '"develop (failed)"' in out
    assert '"deliver (skipped)"' in out


def test_files_from_elsewhere(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Remote files, GitLab's templates and components are read from the folders given, and refused without."""
    (checkout / ".gitlab-ci.yml").write_text(
        "include:\n"
        "  - remote: https://example.com/ci/far.yml?ref=main\n"
        "  - template: Jobs/Build.gitlab-ci.yml\n"
        "  - component: gitlab.com/group/lib/one@1.0.0\n"
    )
    folders = {"remote": "example.com/ci/far.yml", "templates": "Jobs/Build.gitlab-ci.yml"}
    for name, path in {**folders, "projects": "group/lib/templates/one.yml"}.items():
        file = checkout / name / path
        file.parent.mkdir(parents=True)
        file.write_text(f"of-{name}: {{script: [make]}}\n")
    assert call("simulate", "push", "--directory", checkout) == 2
    refused = capsys.readouterr().err
    assert [option for option in ("remote", "templates", "projects") if f"with --{option}" in refused] == [
        "remote",
        "templates",
        "projects",
    ]
    options = [word for name in (*folders, "projects") for word in (f"--{name}", str(checkout / name))]
    assert call("simulate", "push", "--directory", checkout, *options) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[2:]] == [
        "of-remote",
        "of-templates",
        "of-projects",
    ]
    assert call("simulate", "push", "--directory", checkout, "--remote", checkout / "nowhere") == 2
    assert "--remote:" in capsys.readouterr().err


def test_masked_variable(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A masked variable is not written into a configuration's text, and one variable has one environment."""
    text = "spec: {inputs: {a: {default: $SECRET}}}\n---\njob: {script: ['$[[ inputs.a | expand_vars ]]']}\n"
    (checkout / ".gitlab-ci.yml").write_text(text)
    given = ["simulate", "push", "--directory", checkout, "--project-variable"]
    assert call(*given, "SECRET=hidden") == 0
    assert call(*given, "SECRET[masked,protected]=hidden") == 2
    captured = capsys.readouterr()
    assert "masked variables cannot be expanded" in captured.err
    assert "hidden" not in captured.err
    assert call(*given, "SECRET[a,b]=hidden") == 2
    assert "one environment" in capsys.readouterr().err
