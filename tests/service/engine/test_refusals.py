"""What cannot be built ends with the right exit code, a message that says what to do, and nothing half done."""

from __future__ import annotations

import http.server
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.engine import engines
from tests.service.engine.project import DOCKERFILE, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service.engine.project import Project


def nothing_happened(project: Project) -> None:
    """Assert that there is no candidate and no tag."""
    assert not (project.root / "candidates/web.json").exists()
    assert project.tags(f"{project.name}/web") == []


def test_a_failing_run(project: Project) -> None:
    """A failing RUN is exit code 1; the log's end stands open after the collapsed section."""
    project.service("web", DOCKERFILE + "RUN echo the-cause >&2; exit 7\n")
    project.configure()
    project.commit()
    done = project.mcci("build", "web", GITLAB_CI="true")
    assert done.returncode == 1
    assert "the-cause" in done.stderr.rsplit("section_end", 1)[1]
    assert "returned a non-zero code: 7" in done.stderr.rsplit("error:", 1)[1]
    nothing_happened(project)


def test_a_missing_file(project: Project) -> None:
    """A COPY of what is not in the context is the engine's error, with its name."""
    project.service("web", DOCKERFILE + "COPY dist/ /dist/\n")
    project.configure()
    project.commit()
    done = project.mcci("build", "web")
    assert done.returncode == 1
    assert "dist" in done.stderr.rsplit("error:", 1)[1]
    nothing_happened(project)


def _link(root: Path) -> None:
    (root / "web/Dockerfile").unlink()
    (root.parent / "Dockerfile").write_text(DOCKERFILE)
    (root / "web/Dockerfile").symlink_to("../../Dockerfile")


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda root: (root / "web/Dockerfile").unlink(), ["web/Dockerfile", "there is no such file", "dockerfile"]),
        (_link, ["leads out of the repository"]),
        (lambda root: (root / "web/Dockerfile").write_text("ARG B\nFROM $B\n"), ["$B", "build_args"]),
    ],
    ids=["none", "outside", "no-value"],
)
def test_dockerfiles(project: Project, break_it: object, words: list[str]) -> None:
    """No Dockerfile, one outside of the repository, and one without a base image are refused before a build."""
    assert callable(break_it)
    break_it(project.root)
    done = project.mcci("build", "web")
    assert done.returncode == 2, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    nothing_happened(project)


def test_an_untracked_dockerfile(project: Project) -> None:
    """A Dockerfile that git does not track would not count, so it is refused with the command that helps."""
    project.git("rm", "-q", "--cached", "web/Dockerfile")
    project.git("commit", "-q", "-m", "x")
    done = project.mcci("build", "web")
    assert (done.returncode, "git add web/Dockerfile" in done.stderr) == (2, True), done.stderr


def test_unknown_services(project: Project) -> None:
    """An unknown service is answered with the nearest name, no service with the list."""
    done = project.mcci("build", "wep")
    assert (done.returncode, done.stderr.strip()) == (2, "error: mcci.yml has no service 'wep'. Did you mean 'web'?")
    assert project.mcci("build").returncode == 2
    assert "no service 'wep'" in project.mcci("test", "wep").stderr


def test_no_engine(project: Project, tmp_path: Path) -> None:
    """Without an engine the message says where one was looked for, and how to name another."""
    done = project.mcci("build", "web", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 2
    assert f"no container engine answers at unix://{tmp_path}/none.sock" in done.stderr
    assert "DOCKER_HOST" in done.stderr
    unknown = project.mcci("build", "web", MCCI_ENGINE="kaniko")
    assert (unknown.returncode, "docker, buildkit, buildah" in unknown.stderr) == (2, True)


@pytest.fixture
def old_engine() -> Iterator[str]:
    """Serve the version of an engine that is too old."""

    class Old(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"Version": "17.05.0-ce", "ApiVersion": "1.29", "MinAPIVersion": "1.12"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Old)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_engine_that_is_too_old(project: Project, old_engine: str) -> None:
    """An engine whose API is too old is refused by its version."""
    done = project.mcci("build", "web", DOCKER_HOST=old_engine)
    assert done.returncode == 2
    assert "17.05.0-ce" in done.stderr
    assert "too old" in done.stderr


def test_no_credentials(project: Project, tmp_path: Path) -> None:
    """Without credentials for the base image's registry, or with wrong ones, exit code 2 and which registry."""
    config = tmp_path / "empty"
    login(config)
    done = project.mcci("build", "web", DOCKER_CONFIG=str(config))
    assert done.returncode == 2
    assert project.candidates.host in done.stderr or project.hub.host in done.stderr
    nothing_happened(project)


def test_a_base_image_that_is_not_there(project: Project) -> None:
    """A base image that no registry has is named before anything is built."""
    project.base = project.base.replace(":1", ":none")
    project.configure()
    project.commit()
    done = project.mcci("build", "web")
    assert done.returncode == 1
    assert f"base image {project.base}" in done.stderr
    nothing_happened(project)


def test_terminated_in_the_middle(project: Project) -> None:
    """SIGTERM ends the build with 143: no candidate, no tag, and the engine's container goes with the connection."""
    mark = f"mark-{project.name}"
    project.service("web", DOCKERFILE + f"RUN echo {mark} && sleep 60\n")
    project.configure()
    project.commit()
    code, log = project.terminated(f"\n{mark}", "build", "web")
    assert code == 143, log
    nothing_happened(project)
    for _ in range(100):
        if mark not in project.docker("ps", "--no-trunc", "--format", "{{.Command}}"):
            return
    pytest.fail("the build goes on after mcci is gone")


def test_a_full_disk(project: Project, candidates_server: object, tmp_path: Path) -> None:
    """An engine whose disk is full is a service that failed (3), told as what it is."""
    data = tmp_path / "small"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=110m", "tmpfs", str(data)], check=False)
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here: run the tests as root")
    try:
        with engines.dockerd(tmp_path / "d", data) as small:
            project.service("web", DOCKERFILE + "RUN dd if=/dev/zero of=/big bs=1M count=200\n")
            project.configure()
            project.commit()
            done = project.mcci("build", "web", DOCKER_HOST=small)
    finally:
        subprocess.run(["umount", "-l", str(data)], check=True)
    assert done.returncode == 3, done.stderr
    assert "disk is full" in done.stderr
    assert "docker system prune" in done.stderr
    nothing_happened(project)


def test_one_failure_does_not_hide_the_others(project: Project) -> None:
    """Of several services each one's error is told, and what can be built is."""
    project.service("good")
    project.service("bad", DOCKERFILE + "RUN exit 4\n")
    project.service("worse", DOCKERFILE + "RUN exit 5\n")
    project.configure()
    project.commit()
    done = project.mcci("build", "bad", "worse", "good")
    assert done.returncode == 1
    assert "non-zero code: 4" in done.stderr
    assert "non-zero code: 5" in done.stderr
    assert project.tags(f"{project.name}/good") != []
    assert (project.root / "candidates/good.json").exists()
    assert not (project.root / "candidates/bad.json").exists()
