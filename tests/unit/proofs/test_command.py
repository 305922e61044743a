"""`mcci check --prove` as a user calls it: what it prints, how it exits, and that nothing is silently left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcci.__main__ import run
from mcci.clients import repository

RACE = """\
web: {environment: staging, resource_group: web, script: [./deploy web]}
shop: {environment: staging, resource_group: shop, script: [./deploy shop]}
"""
SAFE = "build: {script: [make], rules: [{if: $CI_COMMIT_BRANCH, changes: [src/**/*]}]}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty checkout; git itself is not asked."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repository, "remote", lambda root: None)
    return tmp_path


def document(project: Path, text: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the JSON of a proof of one file."""
    (project / "ci.yml").write_text(text)
    code = run(["check", "ci.yml", "--prove", "--format", "json", *options])
    return code, json.loads(capsys.readouterr().out)


def broken(found: dict[str, Any]) -> set[str]:
    """Return the promises that a document says do not hold."""
    return {each["rule"] for each in found["proofs"]["promises"] if each["holds"] is False}


def test_text(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two lines tell what was covered: a pipeline's jobs, events and sets of changes; the promises and the time."""
    (project / "ci.yml").write_text(SAFE)
    assert run(["check", "ci.yml", "--prove"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("ci.yml: 1 job in 1 pipeline, over ")
    assert " × 2^1 sets of changed files = " in first
    assert second.startswith("8 of 8 promises hold in every event; proved in 0.")


def test_broken(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken promise ends with 1, and names the event that shows it."""
    code, found = document(project, RACE, capsys)
    assert (code, broken(found)) == (1, {"environment-race", "cluster-write-unlocked"})
    race = next(finding for finding in found["findings"] if finding["rule"] == "environment-race")
    assert "deploy to 'staging' at the same time on a push to main" in race["message"]
    assert "`mcci simulate push --branch main` shows it." in race["help"]


def test_not_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files of others are proved only when that is asked for."""
    (project / "ci.yml").write_text(RACE)
    assert run(["check", "ci.yml"]) == 0
    assert capsys.readouterr().out == ""


def test_ignored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody has looked at and ignores does not end with 1, and is still told as not holding."""
    code, found = document(project, RACE, capsys, "--ignore", "environment-race", "--ignore", "cluster-write-unlocked")
    assert (code, found["findings"]) == (0, [])
    assert broken(found) == {"environment-race", "cluster-write-unlocked"}


def test_said_by_a_rule(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that has said first what a proof finds does not make the promise hold, and it is said once."""
    text = "go: {environment: production, resource_group: production, script: [./deploy]}\n"
    code, found = document(project, text, capsys)
    assert (code, broken(found)) == (1, {"production-unguarded"})
    (finding,) = found["findings"]
    assert finding["rule"] == "production-not-manual"
    assert finding["help"].endswith("It happens on a push to main. `mcci simulate push --branch main` shows it.")


def test_not_proved(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be proved is a warning that ends with 1, and never counts as proved."""
    code, found = document(project, "include: [{remote: https://example.com/a.yml}]\n" + SAFE, capsys)
    assert code == 1
    (finding,) = (each for each in found["findings"] if each["rule"] == "not-proved")
    assert (finding["severity"], found["proofs"]["covered"]) == ("warning", [])
    assert {each["holds"] for each in found["proofs"]["promises"]} == {None}


def test_nothing_proved(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a pipeline that GitLab would refuse nothing is said to hold."""
    (project / "ci.yml").write_text("build: {stage: nowhere, script: [make]}\n")
    assert run(["check", "ci.yml", "--prove"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing was proved: ")


@pytest.mark.parametrize(
    ("include", "why"),
    [
        ("{artifact: made.yml, job: build}", "a job makes its file"),
        ("{project: other/project, file: child.yml}", "its file is not at hand"),
        ("{local: $WHICH.yml}", "its file is not at hand"),
    ],
)
def test_unseen_child(project: Path, capsys: pytest.CaptureFixture[str], include: str, why: str) -> None:
    """Nothing is said to hold in every event while a child pipeline is not known."""
    code, found = document(project, f"{SAFE}go: {{trigger: {{include: [{include}]}}}}\n", capsys)
    assert code == 1
    assert [each["message"] for each in found["findings"]] == [f"not proved, the child pipeline of job 'go': {why}"]
    assert {each["holds"] for each in found["proofs"]["promises"]} == {None}


def test_tag(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tag that shows something is named like a tag."""
    rules = "rules: [{if: $CI_COMMIT_TAG}]"
    _, found = document(project, f"{SAFE}push: {{script: [make], needs: [build], {rules}}}\n", capsys)
    assert "`mcci simulate tag --tag v1.0.0` shows it." in found["findings"][0]["help"]


def test_too_many(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A condition over more variables than a proof can tell apart is said to be open, in bounded time."""
    conditions = " || ".join(f"($A{index} == $B{index} && $C{index})" for index in range(12))
    rules = "".join(f"    - {{if: '$V{index} != $W{index}', changes: [f{index}/*]}}\n" for index in range(40))
    text = f"build:\n  script: [make]\n  rules:\n    - if: {conditions}\n{rules}"
    code, found = document(project, text, capsys)
    assert code in (0, 1)
    assert code == (1 if any(each["rule"] == "not-proved" for each in found["findings"]) else 0)
    assert found["proofs"]["seconds"] < 30


def test_unknown_pattern(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern that the proofs do not understand is said to be open."""
    text = "build: {script: [make], rules: [{if: '$CI_COMMIT_BRANCH =~ /\\bmain\\b/'}]}\n"
    code, found = document(project, text, capsys)
    assert code == 1
    assert any("not proved, the pipeline: the pattern has at" in each["message"] for each in found["findings"])


def test_long_chain(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A chain of a thousand jobs before a deployment is followed, or said to be too long: no traceback."""
    lines = ["job0: {script: [make]}"]
    lines += [f"job{index}: {{script: [make], needs: [job{index - 1}]}}" for index in range(1, 1000)]
    lines.append("last: {script: [go], needs: [job999], environment: production, resource_group: production}")
    code, found = document(project, "\n".join(lines), capsys)
    rules = {each["rule"] for each in found["findings"]}
    assert code == 1
    assert rules & {"production-not-manual", "production-unguarded", "not-proved"}
