"""A wrong password is told as what it is, by mcci's own client and by every engine, and shown nowhere."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.service.engine.processes import Arguments, buildah_environment
from tests.service.registry.servers import USER

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.service.engine.project import Project
    from tests.service.registry.servers import Server

WRONG = "wr0ng-passw0rd"
SHOWN = (WRONG, base64.b64encode(f"{USER}:{WRONG}".encode()).decode())


def wrong(server: Server) -> dict[str, str]:
    """Return the variables of a job that give a wrong password for `server`: they go before all else."""
    return {"CI_REGISTRY": server.host, "CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": WRONG}


def assert_refused(done: subprocess.CompletedProcess[str], server: Server, arguments: Arguments) -> None:
    """Assert that it is said which registry says no, with exit code 2, and that the password is seen nowhere."""
    assert done.returncode == 2, done.stderr
    error = done.stderr.rsplit("error:", 1)[1]
    assert server.host in error
    assert "credentials" in error
    assert "Traceback" not in done.stderr
    for secret in SHOWN:
        assert secret not in done.stdout + done.stderr
        assert not [each for each in arguments.seen if secret in each]


def test_before_a_build(project: Project) -> None:
    """The base image's registry says no before anything is built; the message names the variables."""
    with Arguments() as arguments:
        done = project.mcci("build", "web", **wrong(project.candidates))
    assert_refused(done, project.candidates, arguments)
    assert "$CI_REGISTRY_USER and $CI_REGISTRY_PASSWORD" in done.stderr
    assert not (project.root / "candidates/web.json").exists()


@pytest.mark.parametrize("engine_name", ["docker", "buildkit", "buildah"])
def test_after_a_build(project: Project, engine_name: str, tmp_path: Path) -> None:
    """Where the base image can be read and the candidates' registry says no, the engine's push ends the same way."""
    base = f"{project.hub.host}/base:1"
    project.docker("tag", project.base, base)
    project.docker("push", "-q", base)
    project.base = base
    project.configure()
    project.commit()
    own = buildah_environment(tmp_path / "store") if engine_name == "buildah" else {"MCCI_ENGINE": engine_name}
    with Arguments() as arguments:
        done = project.mcci("build", "web", **own, **wrong(project.candidates))
    assert_refused(done, project.candidates, arguments)
    assert project.tags(f"{project.name}/web") == []


def test_before_a_test(project: Project) -> None:
    """An engine that cannot pull the candidate with this password says so."""
    assert project.mcci("build", "web").returncode == 0
    project.docker("rmi", "-f", f"{project.candidate().name}:{project.commit_id()}")
    with Arguments() as arguments:
        done = project.mcci("test", "web", **wrong(project.candidates))
    assert_refused(done, project.candidates, arguments)


def test_before_a_release(project: Project) -> None:
    """The release registry says no, and no release.json is written."""
    given = {"REGISTRY_USER": USER, "REGISTRY_PASSWORD": WRONG}
    with Arguments() as arguments:
        done = project.mcci("release", "resolve", project.commit_id(), **given)
    assert_refused(done, project.hub, arguments)
    assert not (project.root / "release.json").exists()
