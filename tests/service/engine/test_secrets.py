"""Secrets and mounts: BuildKit and buildah carry them, the API's own builder refuses; no secret is seen anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.engine.processes import Arguments, buildah_environment
from tests.service.engine.project import DOCKERFILE

if TYPE_CHECKING:
    from tests.service.engine.project import Project

SECRET = "s3cr3t-of-the-build"
WITH_SECRET = DOCKERFILE + (
    "RUN --mount=type=secret,id=TOKEN,required=true --mount=type=cache,target=/cache \\\n"
    "    cat /run/secrets/TOKEN && ls /run/secrets > /names && python3 -c \\\n"
    "    \"print(len(open('/run/secrets/TOKEN').read()))\" > /length && sleep 0.4\n"
)
ASK = """
import os, urllib.request
assert urllib.request.urlopen(os.environ["SERVICE_URL"] + "/hello").read() == b"hello"
"""


@pytest.fixture
def buildah(tmp_path_factory: pytest.TempPathFactory, project: Project) -> dict[str, str]:
    """Return the variables that make buildah the engine; its images are shared by the tests."""
    return buildah_environment(tmp_path_factory.getbasetemp() / "buildah")


def files(project: Project) -> dict[str, bytes]:
    """Return the files in the candidate's layers, as they are in the registry, and its configuration."""
    found: dict[str, bytes] = {}
    image = project.candidate()
    with project.registry(project.candidates) as registry:
        manifest = registry.get_manifest(image)
        assert manifest.config is not None
        found["config"] = registry.blob(image, manifest.config)
        for layer in manifest.layers[1:]:  # the first is the base image's
            with tarfile.open(fileobj=BytesIO(b"".join(registry.read_blob(image, layer)))) as archive:
                for entry in archive:
                    file = archive.extractfile(entry) if entry.isfile() else None
                    found[f"/{entry.name}"] = file.read() if file else b""
    return found


def prepare(project: Project) -> None:
    """Make the project one whose Dockerfile needs a secret and a cache."""
    project.service("web", WITH_SECRET)
    project.configure({"web": "build_secrets: [TOKEN]"})
    project.commit()


@pytest.mark.parametrize("engine_name", ["buildkit", "buildah"])
def test_a_secret_is_used_and_seen_nowhere(
    project: Project, engine_name: str, buildah: dict[str, str], tmp_path: Path
) -> None:
    """The RUN reads the secret; it is in no layer, no configuration, no log, no process's arguments, no file left."""
    prepare(project)
    environment = {**(buildah if engine_name == "buildah" else {}), "TOKEN": SECRET, "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    with Arguments() as arguments:
        done = project.mcci("build", "web", **environment)
    assert done.returncode == 0, done.stderr
    image = files(project)
    assert image["/length"].strip() == str(len(SECRET)).encode()
    assert image["/names"].strip() == b"TOKEN"
    assert not [name for name, data in image.items() if SECRET.encode() in data]
    assert SECRET not in done.stderr + done.stdout
    assert "[masked]" in done.stderr  # the RUN printed it
    assert any("build" in each for each in arguments.seen)
    assert not [each for each in arguments.seen if SECRET in each]
    left = [path for path in (tmp_path / "tmp").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert left == []


def test_the_classic_builder_refuses(project: Project, tmp_path: Path) -> None:
    """Where no command has BuildKit nothing is built, and the message names what can build it."""
    prepare(project)
    programs = tmp_path / "bin"
    programs.mkdir()
    git = shutil.which("git")
    assert git
    (programs / "git").symlink_to(git)
    done = project.mcci("build", "web", TOKEN=SECRET, PATH=str(programs))
    assert done.returncode == 2
    assert "build_secrets" in done.stderr
    assert "RUN --mount=type=secret" in done.stderr
    assert "BuildKit" in done.stderr
    assert "buildah" in done.stderr
    assert project.tags(f"{project.name}/web") == []


def test_a_missing_secret_is_named(project: Project) -> None:
    """A build secret whose variable is not set is an error before the build, with the variable's name."""
    prepare(project)
    done = project.mcci("build", "web")
    assert done.returncode == 2
    assert "TOKEN" in done.stderr
    assert "protected variable" in done.stderr


def test_buildah_builds_the_same_bytes_again(project: Project, buildah: dict[str, str]) -> None:
    """Built from another checkout of the same commit without any cache, the image has the same digest."""
    project.service("web", DOCKERFILE + "RUN mkdir /made && ls /app > /made/list\n")
    project.configure()
    project.commit()
    first = project.mcci("build", "web", **buildah)
    assert first.returncode == 0, first.stderr
    digest = project.candidate().digest
    again = project.root.parent / "again"
    subprocess.run(["git", "clone", "-q", str(project.root), str(again)], check=True)
    for file in again.rglob("*"):
        if ".git" not in file.parts:
            os.utime(file, (1, 1))
    subprocess.run(
        ["buildah", "rmi", "--all", "--force"], env={**os.environ, **buildah}, capture_output=True, check=True
    )
    project.root = again
    second = project.mcci("build", "web", **buildah)
    assert second.returncode == 0, second.stderr
    assert project.candidate().digest == digest


def test_buildah_takes_steps_from_the_registry(project: Project, buildah: dict[str, str]) -> None:
    """With BUILDAH_LAYERS=true a builder that has nothing takes the steps before the change from the registry."""
    layers = {**buildah, "BUILDAH_LAYERS": "true"}
    project.service("web", 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN echo "did $((40 + 2))"\nCOPY app.py /\n')
    project.configure()
    project.commit()
    logs = []
    for change in ("", "# changed"):
        (project.root / "web/app.py").write_text(change)
        project.commit()
        done = project.mcci("build", "web", **layers)
        assert done.returncode == 0, done.stderr
        logs.append(done.stderr)
        subprocess.run(
            ["buildah", "rmi", "--all", "--force"], env={**os.environ, **buildah}, capture_output=True, check=True
        )
    assert ["did 42" in log for log in logs] == [True, False]
    assert f"Cache pulled from remote {project.candidate().name}" in logs[1]


def test_buildah_tests_a_candidate(project: Project, buildah: dict[str, str]) -> None:
    """buildah runs the candidate by its digest for its tests, and keeps no container."""
    project.configure({"web": "tests: [python3 ask.py]"})
    (project.root / "web/ask.py").write_text(ASK)
    project.commit()
    assert project.mcci("build", "web", **buildah).returncode == 0
    done = project.mcci("test", "web", **buildah)
    assert done.returncode == 0, done.stderr + done.stdout
    listed = subprocess.run(["buildah", "ps", "-aq"], env={**os.environ, **buildah}, capture_output=True, check=True)
    assert listed.stdout == b""
    port = project.ports["web"]
    assert f":{port}" not in subprocess.run(["ss", "-ltn"], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("engine_name", ["buildkit", "buildah"])
def test_terminated(project: Project, engine_name: str, buildah: dict[str, str]) -> None:
    """SIGTERM ends the build with 143 in these engines too: what RUN started is gone, and no secret's file is left."""
    project.service("web", WITH_SECRET.replace("sleep 0.4", f"echo now-{project.name} && sleep 63"))
    project.configure({"web": "build_secrets: [TOKEN]"})
    project.commit()
    folder = project.root.parent / "tmp"
    folder.mkdir()
    project.environment |= {"TOKEN": SECRET, "TMPDIR": str(folder), **(buildah if engine_name == "buildah" else {})}
    code, log = project.terminated(f"now-{project.name}\n", "build", "web")
    assert code == 143, log
    assert list(folder.glob("mcci-*")) == []
    assert project.tags(f"{project.name}/web") == []
    assert not (project.root / "candidates/web.json").exists()
    end = time.monotonic() + 20
    while f"now-{project.name}" in Arguments.now():
        assert time.monotonic() < end, "what RUN started goes on"
        time.sleep(0.1)


def test_a_failing_run_in_each_engine(project: Project, buildah: dict[str, str]) -> None:
    """BuildKit's and buildah's failed RUN is an error with exit code 1, the log's end and no candidate."""
    for environment in (buildah, {"TOKEN": SECRET}):
        run = "RUN --mount=type=cache,target=/c echo the-cause; exit 7\n"
        project.service("web", DOCKERFILE + run)
        project.configure()
        project.commit()
        done = project.mcci("build", "web", GITLAB_CI="true", **environment)
        assert done.returncode == 1, done.stderr
        assert "the-cause" in done.stderr.rsplit("section_end", 1)[1]
        assert "7" in done.stderr.rsplit("error:", 1)[1]
        assert not (project.root / "candidates/web.json").exists()
