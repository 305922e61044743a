"""Each promise of a generated pipeline, broken on purpose, is found out, with an event that shows it when simulated."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcci.__main__ import run
from mcci.clients import repository
from mcci.commands.generate import load

CONFIG = """\
version: 1
application: shop
registry: {namespace: shop}
defaults: {stack: python}
services: {cart: {}, web: {}}
clusters:
  stage: {cloud: aws, region: eu-south-1}
  prod: {cloud: azure, region: westeurope}
environments:
  stage: {clusters: [stage]}
  production: {clusters: [prod]}
canary: {steps: [10, 100], gate: manual}
"""
PARENT, DEVELOP, DEPLOY = ".gitlab-ci.yml", "develop-gitlab-ci.yml", "deploy-gitlab-ci.yml"
Documents = list[dict[str, Any]]
Shows = Callable[[Documents], bool]


@pytest.fixture
def branches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the three generated branches; git itself is not asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repository, "remote", lambda root: None)
    (tmp_path / ".git").mkdir()
    (tmp_path / "mcci.yml").write_text(CONFIG)
    _, generated = load(Path("mcci.yml"))
    for branch, texts in generated.files.items():
        for name, text in texts.items():
            path = tmp_path / "out" / branch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return Path("out")


def pipelines(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a simulated pipeline and all below it."""
    found = [document]
    for job in document["jobs"]:
        if job["child"] is not None:
            found += pipelines(job["child"])
    return found


def job(document: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return a job of a simulated pipeline, or of one below it."""
    return next((each for one in pipelines(document) for each in one["jobs"] if each["name"] == name), None)


def has(name: str, **expected: Any) -> Shows:
    """Return the test that the first event has a job with these values."""

    def shows(documents: Documents) -> bool:
        found = job(documents[0], name)
        return found is not None and all(found[key] == value for key, value in expected.items())

    return shows


def refused(documents: Documents) -> bool:
    """Say whether the first event's pipeline, or one below it, is refused for a missing need."""
    rules = {finding["rule"] for one in pipelines(documents[0]) for finding in one["findings"]}
    return "needs-missing" in rules


def both_created(documents: Documents) -> bool:
    """Say whether the two events start a pipeline each, of one branch."""
    push, request = documents
    same = push["ref"] == request["ref"] and (push["source"], request["source"]) == ("push", "merge_request_event")
    return bool(push["created"] and request["created"] and same)


def in_request(name: str) -> Shows:
    """Return the test that the first event is a merge request with a job."""
    return lambda documents: documents[0]["source"] == "merge_request_event" and job(documents[0], name) is not None


PUSH_ONLY = "    - if: $CI_MERGE_REQUEST_ID == null\n"
CASES: dict[str, tuple[str, str, str, str, Shows]] = {
    "a need whose job is left out of merge requests": (
        DEVELOP,
        r"(compile web:\n  extends: \[.compile-python, ).when-web\]",
        r"\1.push]",
        "needs-dangling",
        refused,
    ),
    "a need whose job asks for other files": (
        DEVELOP,
        r"(build cart:\n  extends: \[.build, ).when-cart\]",
        r"\1.when-web]",
        "needs-dangling",
        refused,
    ),
    "merge requests between long-lived branches": (
        PARENT,
        r"    # From one long-lived.*\n(?:    .*\n)+?      when: never\n",
        "",
        "two-pipelines",
        both_created,
    ),
    "an image pushed in merge requests": (
        DEVELOP,
        r"(\.push:\n  rules:\n)" + re.escape(PUSH_ONLY),
        r"\1    - when: on_success\n",
        "merge-request-writes",
        in_request("push cart"),
    ),
    "a deploy in merge requests": (
        DEPLOY,
        r"\$CI_MERGE_REQUEST_ID == null",
        "$CI_PIPELINE_SOURCE",
        "merge-request-writes",
        in_request("deploy stage/stage"),
    ),
    "a delivery started by merge requests": (
        PARENT,
        r'- if: \$CI_PIPELINE_SOURCE == "push" && \$CI_COMMIT_BRANCH == "development"',
        "- when: on_success",
        "merge-request-writes",
        in_request("deliver"),
    ),
    "production without a person": (
        DEPLOY,
        r"      when: manual\n      allow_failure: false",
        "      when: on_success",
        "production-unguarded",
        has("deploy production/prod", when="on_success"),
    ),
    "production without a person, when somebody sets a variable": (
        DEPLOY,
        r"(\.manual:\n  rules:\n)",
        r'\1    - if: $HURRY == "yes"\n      when: on_success\n',
        "production-unguarded",
        has("deploy production/prod", when="on_success"),
    ),
    "a canary step without the one before": (
        DEPLOY,
        r"\n    - job: canary cart 10\n      artifacts: false",
        "",
        "canary-step-order",
        lambda documents: "canary cart 10" not in (job(documents[0], "canary cart 100") or {"needs": [""]})["needs"],
    ),
    "a canary step that may fail": (
        DEPLOY,
        r"allow_failure: false",
        "allow_failure: true",
        "canary-step-order",
        has("canary cart 10", allow_failure=True),
    ),
    "a deploy without a resource group": (
        DEPLOY,
        r"\n  resource_group: stage/stage",
        "",
        "cluster-write-unlocked",
        has("deploy stage/stage", resource_group=None),
    ),
    "a canary in another resource group": (
        DEPLOY,
        r"(canary cart 100:(?:\n .*)+?\n  resource_group: ).*",
        r"\1elsewhere",
        "cluster-write-unlocked",
        has("canary cart 100", resource_group="elsewhere"),
    ),
    "a rollback beside a deploy": (
        DEPLOY,
        r"(rollback production/prod:(?:\n .*)+?\n  resource_group: ).*",
        r"\1elsewhere",
        "environment-race",
        lambda documents: has("rollback production/prod")(documents) and has("deploy production/prod")(documents),
    ),
    "a job that never comes": (
        DEPLOY,
        r"(\.push:\n  rules:\n    - if: \$CI_MERGE_REQUEST_ID == null)",
        r"\1 && $CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        "job-unreachable",
        lambda documents: True,
    ),
}


def mutate(branches: Path, name: str, pattern: str, replacement: str) -> None:
    """Change each copy of a file."""
    for path in branches.rglob(name):
        text, count = re.subn(pattern, replacement, path.read_text())
        assert count, f"{name} has nothing like {pattern}"
        path.write_text(text)


def checked(branches: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document of a proof."""
    capsys.readouterr()
    code = run(["check", "--branches", str(branches), "--prove", "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def simulated(finding: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Documents:
    """Run the commands that a finding names, and return what they show."""
    found = []
    for command in re.findall(r"`(mcci simulate .*?)`", finding["help"]):
        run([*shlex.split(command)[1:], "--format", "json"])
        found.append(json.loads(capsys.readouterr().out)["pipeline"])
    return found


def test_as_generated(branches: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is generated keeps every promise, over the events of three branches and both services' changes."""
    code, document = checked(branches, capsys)
    assert (code, document["findings"]) == (0, [])
    assert all(promise["holds"] for promise in document["proofs"]["promises"])
    covered = {each["branch"]: each for each in document["proofs"]["covered"]}
    assert covered["development"]["changes"] == 2
    assert covered["deployment"]["pipelines"] == 2
    assert sum(each["undecided"] for each in covered.values()) == 0


@pytest.mark.parametrize("case", CASES)
def test_broken(branches: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    """The proof fails, and the simulated event shows why."""
    name, pattern, replacement, rule, shows = CASES[case]
    mutate(branches, name, pattern, replacement)
    code, document = checked(branches, capsys)
    found = [finding for finding in document["findings"] if finding["rule"] == rule]
    assert code == 1
    assert found, document["findings"]
    assert any(finding["file"] == "mcci.yml" for finding in found) or name == PARENT
    broken = {each["rule"] for each in document["proofs"]["promises"] if not each["holds"]}
    assert rule in broken
    assert any(shows(simulated(finding, capsys)) for finding in found), [finding["help"] for finding in found]
