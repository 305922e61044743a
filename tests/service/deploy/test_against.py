"""What a merge request's job shows: the charts and values of two commits compared, without any cluster."""

from __future__ import annotations

import subprocess

import pytest

from tests.service.deploy.project import Project


@pytest.fixture
def project(project: Project) -> Project:
    """A project in a git repository, whose clusters cannot be reached."""
    (project.root / "web").mkdir()
    (project.root / "web/values.yml").write_text("replicas: 2\nenv: {PASSWORD: hunter2, COLOUR: red}\n")
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "one"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True)
    project.variables.update({f"KUBECONFIG_{name}": "/nonexistent" for name in ("STAGE", "ONE", "TWO")})
    return project


def against(project: Project, *arguments: str) -> str:
    """Compare with the commit, as the job calls it."""
    done = project.deploy("--dry-run", "--diff", "--against", "HEAD", *arguments, environment="production")
    assert done.code == 0, done.err
    return done.out


def test_changed_values(project: Project) -> None:
    """A changed value is shown as the manifests' difference in every cluster it reaches; a secret is not shown."""
    assert "nothing changes" in against(project)
    (project.root / "web/values.yml").write_text("replicas: 3\nenv: {PASSWORD: hunter3, COLOUR: blue}\n")
    shown = against(project)
    assert shown.count("-  replicas: 2") == shown.count("+  replicas: 3") == 2
    assert "red" in shown
    assert "blue" in shown
    assert "hunter" not in shown


def test_changed_configuration(project: Project) -> None:
    """A new service in mcci.yml is shown as the resources that it brings."""
    path = project.root / "mcci.yml"
    path.write_text(path.read_text().replace("  web: {}\n", "  web: {}\n  shop: {}\n"))
    assert "+ Service/shop created" in against(project)


def test_values_that_cannot_be_rendered(project: Project) -> None:
    """A value that the chart refuses fails the job, by its name."""
    (project.root / "web/values.yml").write_text("replicas: many\n")
    done = project.deploy("--dry-run", "--diff", "--against", "HEAD")
    assert done.code == 2
    assert "replicas" in done.err


def test_unknown_commit(project: Project) -> None:
    """A commit that the clone lacks is told, with what to do."""
    done = project.deploy("--diff", "--against", "0" * 40)
    assert done.code == 2
    assert "set GIT_DEPTH to 0" in done.err
