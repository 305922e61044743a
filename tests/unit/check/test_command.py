"""`mcci check` as a user calls it: which files it looks at, what it prints, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcci.__main__ import run
from mcci.clients import repository

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = "build:\n  stage: bulid\n  script: [make]\n"
GOOD = "build:\n  script: [make]\n"
MODEL = Path(__file__).parents[1] / "generate" / "cases" / "three-branch"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty checkout whose remote is group/app; git itself is not asked."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repository, "remote", lambda root: "git@gitlab.example.com:group/app.git")
    return tmp_path


@pytest.fixture
def write(project: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a file of the checkout."""

    def write(name: str, text: str) -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


Write = Any


def test_error(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is printed at its place, counted on stderr, and ends with 1."""
    write("ci.yml", BAD)
    assert run(["check", "ci.yml"]) == 1
    out, err = capsys.readouterr()
    assert out == "ci.yml:2:10: job 'build': there is no stage 'bulid'; did you mean 'build'? [unknown-stage]\n"
    assert err == "1 error in 1 file\n"


def test_nothing_found(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a finding stdout is empty, and the exit code 0."""
    write("ci.yml", GOOD)
    assert run(["check", "ci.yml"]) == 0
    assert capsys.readouterr().out == ""


def test_warning(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning is printed and does not make the answer no."""
    write("ci.yml", "build:\n  script: [env]\n")
    assert run(["check", "ci.yml"]) == 0
    assert "ci.yml:2:12: warning: 'env' prints every variable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"a: [", "yaml-syntax"),
        (b"a: \xff\n", "yaml-encoding"),
        (b"a: 1\n---\nb: 2\n---\nc: 3\n", "yaml-documents"),
        (b"a: &a [*a]\n", "yaml-alias"),
        (b"\tb: 1\n", "yaml-syntax"),
    ],
)
def test_unreadable(project: Path, capsys: pytest.CaptureFixture[str], content: bytes, rule: str) -> None:
    """A file that is no GitLab YAML is a finding at its place, and ends with 2."""
    (project / "ci.yml").write_bytes(content)
    assert run(["check", "ci.yml"]) == 2
    assert f"[{rule}]" in capsys.readouterr().out


def test_byte_order_mark(project: Path) -> None:
    """A byte order mark at the start is no part of the text, as for GitLab."""
    (project / "ci.yml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert run(["check", "ci.yml"]) == 0


def test_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there ends with 2 and is named."""
    assert run(["check", "gone.yml"]) == 2
    assert "gone.yml" in capsys.readouterr().err


def test_nothing_to_check(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file, a parent or an mcci.yml the user is told what to give."""
    assert run(["check"]) == 2
    assert "mcci check FILE" in capsys.readouterr().err


def test_files_and_branches(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """FILEs and --branches exclude each other."""
    write("ci.yml", GOOD)
    assert run(["check", "ci.yml", "--branches", "."]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is one document with its schema's name and version, the files looked at and the findings."""
    write("ci.yml", BAD)
    assert run(["check", "ci.yml", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["files"]) == ("mcci.check/1", ["ci.yml"])
    (finding,) = document["findings"]
    assert (finding["rule"], finding["severity"], finding["line"]) == ("unknown-stage", "error", 2)


def test_sarif_and_code_quality(write: Write, monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Reports for GitLab and scanners name files from the repository's top, wherever they are made."""
    path = write("ci/build.yml", BAD)
    monkeypatch.chdir(path.parent)
    assert run(["check", "build.yml", "--format", "gitlab"]) == 1
    (issue,) = json.loads(capsys.readouterr().out)
    assert issue["location"] == {"path": "ci/build.yml", "lines": {"begin": 2}}
    assert run(["check", "build.yml", "--format", "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "ci/build.yml"}
    assert run(["check", "build.yml"]) == 1
    assert capsys.readouterr().out.startswith("build.yml:2:10: ")


def test_ignore(write: Write) -> None:
    """A rule that is ignored finds nothing."""
    write("ci.yml", BAD)
    assert run(["check", "ci.yml", "--ignore", "unknown-stage"]) == 0


def test_ignore_unknown(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that does not exist cannot be ignored; the nearest one is named."""
    write("ci.yml", BAD)
    assert run(["check", "ci.yml", "--ignore", "unknown-stages"]) == 2
    assert "did you mean 'unknown-stage'?" in capsys.readouterr().err


def test_checkout(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Without FILEs the checkout's parent is looked at, with its includes and children."""
    write(".gitlab-ci.yml", "include: part.yml\nchild: {trigger: {include: child.yml}}\n")
    write("part.yml", BAD)
    write("child.yml", "deploy: {script: [make], needs: [gone]}\n")
    assert run(["check"]) == 1
    out = capsys.readouterr().out
    assert "part.yml:2:10" in out
    assert "child.yml:1:34" in out


def test_part_alone(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that the parent includes is understood with it, and only findings in the file are shown."""
    write(".gitlab-ci.yml", "include: parts/*.yml\nstages: [bulid]\nother: {stage: gone, script: [make]}\n")
    write("parts/one.yml", BAD)
    assert run(["check", "parts/one.yml"]) == 0
    assert capsys.readouterr().out == ""


def test_own_project(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """The remote says which project is the checkout's own."""
    write("ci.yml", "start: {trigger: group/app}\n")
    assert run(["check", "ci.yml"]) == 1
    assert "[trigger-own-project]" in capsys.readouterr().out


def test_include_outside(write: Write, project: Path) -> None:
    """No include leads out of the checkout."""
    (project.parent / "outside.yml").write_text(BAD)
    write(".gitlab-ci.yml", f"include: /../{'outside.yml'}\n{GOOD}")
    assert run(["check", "--ignore", "configuration"]) == 0


def test_generated_in_memory(write: Write) -> None:
    """Where nothing is generated yet, what mcci.yml describes is checked, branch by branch."""
    write("mcci.yml", (MODEL / "mcci.yml").read_text())
    assert run(["check"]) == 0


def test_cause(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding in a generated job points at mcci.yml, and names the generated place."""
    write("mcci.yml", (MODEL / "mcci.yml").read_text())
    branch = MODEL / "expected" / "development"
    for path in branch.rglob("*.yml"):
        write(path.relative_to(branch).as_posix(), path.read_text().replace("  stage: build\n", "  stage: biuld\n"))
    assert run(["check"]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("mcci.yml:")
    assert "(generated as develop-gitlab-ci.yml:" in first


def test_branches(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --branches each branch is checked, and the parents are compared."""
    for branch, text in (("main", GOOD), ("feature/x", GOOD + "# more\n"), ("ops", BAD)):
        (project / "out" / branch).mkdir(parents=True)
        (project / "out" / branch / ".gitlab-ci.yml").write_text(text)
    assert run(["check", "--branches", "out"]) == 1
    out = capsys.readouterr().out
    assert "out/ops/.gitlab-ci.yml:2:10: job 'build'" in out
    assert "out/main/.gitlab-ci.yml:3:1: '.gitlab-ci.yml' differs between the branches feature/x and main" in out


def test_no_branches(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without branches is a mistake, not a success."""
    (project / "empty").mkdir()
    assert run(["check", "--branches", "empty"]) == 2
    assert "generate --all" in capsys.readouterr().err
