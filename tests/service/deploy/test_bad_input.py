"""What cannot be deployed: a clear error, the right exit code, and no cluster changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mcci.clients.kubernetes.api import NAMESPACE
from tests.service.deploy.project import Project

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(project: Project) -> Project:
    """A project with a release."""
    project.release("1")
    return project


def refused(project: Project, *arguments: str, environment: str = "stage") -> str:
    """Deploy, and return what was said: exit code 2, one error, no traceback, no namespace made."""
    done = project.deploy(*arguments, environment=environment)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert project.api("stage").get(NAMESPACE, project.space("stage")) is None
    return done.err


def test_unknown_names(project: Project) -> None:
    """An unknown environment, cluster or service is named, with the nearest there is."""
    assert "mcci.yml has no environment 'stagee'. Did you mean 'stage'?" in refused(project, environment="stagee")
    assert "with a cluster 'on'" in refused(project, "--cluster", "on", environment="production")
    assert "mcci.yml has no service 'wep'. Did you mean 'web'?" in refused(project, "wep")


def test_release_of_another_application(project: Project) -> None:
    """A release.json with other services, an image from elsewhere, a tag, or edited text is refused."""
    path = project.root / "release.json"
    body = json.loads(path.read_text())
    strange = body | {"services": [body["services"][0] | {"service": "shop"}]}
    path.write_text(json.dumps(strange))
    assert "is of another application: it has shop" in refused(project)
    body["services"][0]["image"] = body["services"][0]["image"].replace("fleet/web", "evil/web")
    path.write_text(json.dumps(body))
    assert "mcci.yml releases it to registry.example.com/fleet/web" in refused(project)
    body["services"][0]["image"] = "registry.example.com/fleet/web:latest"
    path.write_text(json.dumps(body))
    assert "without a digest" in refused(project)
    path.write_text("{")
    assert "release.json is damaged" in refused(project)


def test_no_release(project: Project) -> None:
    """Without release.json, and nothing recorded, it says how to give one."""
    (project.root / "release.json").unlink()
    assert "no release is given, and none of web is recorded" in refused(project)


def test_chart_with_an_error(project: Project) -> None:
    """An error in a chart is told with the template's file and line."""
    shutil.copytree(ROOT / "charts", project.root / "charts")
    template = project.root / "charts/microservice/templates/service.yaml"
    template.write_text(template.read_text() + '\n{{ fail "not today" }}\n')
    line = len(template.read_text().splitlines())
    said = refused(project)
    assert f"microservice/templates/service.yaml:{line}:" in said
    assert "not today" in said


def test_value_of_the_wrong_type(project: Project) -> None:
    """A value that the chart's schema does not take is refused by its name."""
    assert "replicas" in refused(project, "--set", "microservice.replicas=many")
    folder = project.root / "web"
    folder.mkdir()
    (folder / "values.yml").write_text("a: [\n")
    assert "web/values.yml:2:1" in refused(project)
    (folder / "values.yml").write_text("image: {digest: 'sha256:1'}\n")
    assert "microservice.image.digest is given, but the release decides it" in refused(project)


def test_namespace_of_another(project: Project) -> None:
    """A namespace that is not this application's is refused, with how to hand it over."""
    api = project.api("stage")
    api.create(NAMESPACE, {"metadata": {"name": project.space("stage")}})
    done = project.deploy()
    assert done.code == 2
    assert "was not made by mcci" in done.err
    assert project.images("stage") == {}


def test_helm_missing_or_too_old(project: Project) -> None:
    """No helm, or one that is too old, is refused with how to get it."""
    project.variables["MCCI_HELM"] = "/nonexistent/helm"
    assert "no program that can be run" in refused(project)
    old = project.root / "helm"
    old.write_text("#!/bin/sh\necho v3.16.4\n")
    old.chmod(0o755)
    project.variables["MCCI_HELM"] = str(old)
    said = refused(project)
    assert "is Helm 3.16.4, which is too old" in said
    assert "`runner.helm` of mcci.yml" in said


def test_options_that_do_not_go_together(project: Project) -> None:
    """Options that contradict each other are refused."""
    assert "--against compares: give --diff too" in refused(project, "--against", "HEAD")
    assert "--use-plan changes the clusters" in refused(project, "--use-plan", "x", "--diff")
