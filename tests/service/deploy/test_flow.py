"""The life of an application on real Helms: first release, new version, canary, rollback; with what jobs call."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.service.deploy.project import Project
from tests.tools.helm import Major

V1, V2 = (f"v{digit * 10}" for digit in "12")


@pytest.mark.parametrize("major", ["3", "4"])
def test_life(project: Project, major: Major) -> None:
    """From the first release to a rollback, with a canary between, on Helm 3.19 and 4.3: traffic is never moved."""
    project.major = major
    project.release("1")
    first = project.deploy(environment="production")
    assert first.code == 0, first.err
    assert project.images("one") == {f"web-{V1}": "1", f"api-{V1}": "1"}
    assert project.weights("one") == {V1: 100}

    project.release("2")
    second = project.deploy("--format", "json", environment="production")
    assert second.code == 0, second.err
    body = json.loads(second.out)
    assert [each["cluster"] for each in body["clusters"]] == ["one", "two"]
    web = body["clusters"][0]["services"][0]
    assert (web["stable"], web["canary"], web["releases_changed"]) == (V1, V2, 2)
    assert project.images("two") == {f"web-{V1}": "1", f"web-{V2}": "2", f"api-{V1}": "2"}
    assert project.weights("one") == {V1: 100, V2: 0}

    verified = project.run("verify", "--environment", "production", "--cluster", "one")
    assert verified.code == 0, verified.out
    suite = ElementTree.parse(project.root / "reports/verify-production-one.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert int(suite.get("tests", "0")) >= 10

    project.move("one", {V1: 75, V2: 25})
    again = project.deploy("--set", "microservice.labels.team=blue", environment="production")
    assert again.code == 0, again.err
    assert project.weights("one") == {V1: 75, V2: 25}

    back = project.run("rollback", "--environment", "production")
    assert back.code == 0, back.err
    assert project.weights("one") == {V1: 100, V2: 0}
    assert project.images("one")[f"api-{V1}"] == "1"
    assert project.record("one")["release"] == "1" * 40


def test_back_over_a_promotion(project: Project) -> None:
    """After a promotion, a rollback brings the version before it back and gives it the traffic."""
    config = project.root / "mcci.yml"
    config.write_text(config.read_text() + "canary: {rollback_window: 0s}\n")
    project.release("1")
    assert project.deploy(environment="production").code == 0
    project.release("2")
    assert project.deploy(environment="production").code == 0
    for arguments in (("step", "web", "--to", "100", "--force", "--no-stay"), ("promote", "web", "--force")):
        done = project.run("canary", *arguments, "--environment", "production")
        assert done.code == 0, done.out + done.err
    assert project.weights("one") == {V1: 0, V2: 100}
    assert project.deploy(environment="production").code == 0
    assert f"web-{V1}" not in project.images("one")  # retired: it must be brought back before it gets traffic
    back = project.run("rollback", "--environment", "production")
    assert back.code == 0, back.out + back.err
    assert project.weights("one")[V1] == 100
    assert project.images("one")[f"web-{V1}"] == "1"


def test_upgrade_of_helm(project: Project) -> None:
    """What Helm 3.19 installed, Helm 4.3 upgrades, and a canary's weights stay."""
    project.release("1")
    assert project.deploy(environment="production").code == 0
    project.major = "4"
    project.release("2")
    assert project.deploy(environment="production").code == 0
    project.move("one", {V1: 90, V2: 10})
    done = project.deploy("--set", "microservice.labels.team=blue", environment="production")
    assert done.code == 0, done.err
    assert project.weights("one") == {V1: 90, V2: 10}


def test_looking_changes_nothing(project: Project) -> None:
    """--diff, --dry-run and --plan show what would change, resource by resource, and write nothing at all."""
    project.release("1")
    assert project.deploy().code == 0
    project.release("2")
    before = project.clusters["stage"].requests
    before.clear()
    shown = project.deploy("--diff")
    assert f"~ Deployment/web-{V1} changed: spec.template.spec.containers[0].image" in shown.out
    assert f"+        image: registry.example.com/fleet/web@sha256:{'2' * 64}" in shown.out
    dry = project.deploy("--dry-run", "--format", "json")
    assert dry.code == 0, dry.err
    changes = json.loads(dry.out)["clusters"][0]["changes"]
    assert {each["resource"] for each in changes} == {f"Deployment/web-{V1}", f"Deployment/api-{V1}"}
    assert project.deploy("--plan", "plan.json").code == 0
    written = {verb for verb, _ in before.counts if verb in ("create", "update", "delete")}
    assert written == set()
    assert project.images("stage") == {f"web-{V1}": "1", f"api-{V1}": "1"}

    other = project.deploy("--use-plan", "plan.json", "--set", "microservice.labels.team=blue")
    assert other.code == 1
    assert "the values or the charts have changed" in other.err
    assert project.images("stage")[f"web-{V1}"] == "1"
    done = project.deploy("--use-plan", "plan.json")
    assert done.code == 0, done.err
    assert project.images("stage")[f"web-{V1}"] == "2"
    stale = project.deploy("--use-plan", "plan.json")
    assert stale.code == 1
    assert "- stage: upgrade web" in stale.err
