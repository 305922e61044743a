"""Jobs in images, with services, on a real engine; and in a shell, which the log says, where that cannot be."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients import base_image
from mcci.clients.engines import job_containers
from mcci.clients.engines.model import EngineFailed
from mcci.clients.registry import reference
from mcci.rehearsal.runner.containers import Images
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
from mcci.simulation.events import ProjectVariable
from mcci.simulation.status.model import COMPLETED, Status
from tests.service.engine import engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcci.rehearsal.gitlab.model import Build, Pipeline
    from mcci.rehearsal.gitlab.site import Site
    from mcci.rehearsal.runner.executor import Executor
    from mcci.rehearsal.runner.job import RunnerJob

Play = "Callable[[str], Pipeline]"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run dockerd with three images: a plain one, one that exposes a port, one whose entrypoint is no shell."""
    folder = tmp_path_factory.mktemp("engine")
    with engines.dockerd(folder / "engine") as address:
        base_image.write(folder / "base.tar")
        own = [f"--change=ENV {key}={value}" for key, value in base_image.environment().items()]
        docker(address, "import", *own, str(folder / "base.tar"), "127.0.0.1:1/base:1")
        (folder / "base.tar").unlink()
        for name, more in (
            ("web:1", 'EXPOSE 8080\nCMD ["python3", "-m", "http.server", "8080"]'),
            ("tool:1", 'ENTRYPOINT ["/usr/bin/python3"]'),
        ):
            (folder / "image").mkdir(exist_ok=True)
            (folder / "image" / "Dockerfile").write_text(f"FROM 127.0.0.1:1/base:1\n{more}\n")
            docker(address, "build", "-q", "-t", f"127.0.0.1:1/{name}", str(folder / "image"))
        yield address


def docker(address: str, *arguments: str) -> str:
    """Run docker."""
    environment = {"DOCKER_HOST": address, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(["docker", *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def runner(site: Site, tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Run a runner whose jobs have images."""
    monkeypatch.setenv("DOCKER_HOST", engine)
    images, token = Images(here={"127.0.0.1:1/here:1"}), site.settings.runner_token

    def executor(job: RunnerJob) -> Executor:
        return images.executor(job, Shell())

    with Runner(tmp_path / "runner", url=site.url, token=token, executor=executor) as found:
        yield found
    assert docker(engine, "ps", "-aq") == ""
    assert docker(engine, "network", "ls", "-q", "--filter", "label=io.mcci.job") == ""


@pytest.fixture
def play(site: Site, pushed: Any, runner: Runner) -> Callable[[str], Pipeline]:
    """Return what pushes a configuration and waits until its pipeline is over."""

    def play(configuration: str) -> Pipeline:
        pushed({".gitlab-ci.yml": configuration})
        pipeline = list(site.gitlab.pipelines.values())[-1]
        assert site.gitlab.wait(lambda: pipeline.status in COMPLETED, 60), pipeline.status
        return pipeline

    return play


def log(build: Build) -> str:
    """Return a job's log."""
    return build.trace.read().decode()


def test_a_job_in_its_image(play: Callable[[str], Pipeline], site: Site, tmp_path: Path) -> None:
    """A job sees its image's files and its own clone, reaches the GitLab, and hands over what it made."""
    site.settings.variables.append(ProjectVariable(key="CONFIG", value="in a file", file=True))
    pipeline = play(
        """
stages: [one, two]
one:
  stage: one
  image: 127.0.0.1:1/base:1
  before_script: [export KEPT=yes]
  script:
    - test ! -e /root
    - test "$PWD $KEPT" = "/builds/vehicles/app yes" && test "$CI_PROJECT_DIR" = "$PWD"
    - test "$(cat $CONFIG)" = "in a file" && echo "$CONFIG"
    - |
      python3 -c 'import json, os, urllib.request as u
      r = u.Request(os.environ["CI_API_V4_URL"] + "/job", headers={"JOB-TOKEN": os.environ["CI_JOB_TOKEN"]})
      print("I am", json.load(u.urlopen(r))["name"])'
    - mkdir out && echo made > out/file
  after_script: ['echo "after $CI_JOB_STATUS"; test -e out/file && echo still-there']
  artifacts: {paths: [out]}
two: {stage: two, script: [test "$(cat out/file)" = made, test -e /root]}
here: {stage: two, image: "127.0.0.1:1/here:1", script: [test -e /root]}
"""
    )
    one, two = (pipeline.builds[name] for name in ("one", "two"))
    assert pipeline.status is Status.SUCCESS, log(one) + log(two)
    for said in ("Using Docker executor", "I am one", "/builds/vehicles/app.tmp/variables/CONFIG", "after success"):
        assert said in log(one)
    assert "\nstill-there" in log(one)
    assert str(tmp_path) not in log(one)


def test_services(play: Callable[[str], Pipeline]) -> None:
    """Services are up before the job, known by their aliases and by their image's name, with their own variables."""
    job = play(
        """
job:
  image: 127.0.0.1:1/base:1
  variables: {FOR_ALL: every}
  services:
    - 127.0.0.1:1/web:1
    - name: 127.0.0.1:1/web:1
      alias: db, store
      entrypoint: [sh, -c]
      command: ['echo "$OWN $FOR_ALL" > /tmp/said; cd /tmp; exec python3 -m http.server 8080']
      variables: {OWN: mine}
  script:
    - &ask |
      python3 -c 'import urllib.request as u
      print([u.urlopen(f"http://{h}:8080/").status for h in ("127.0.0.1__web", "127.0.0.1-web", "db")])
      print(u.urlopen("http://store:8080/said").read().decode())'
"""
    ).builds["job"]
    assert job.status is Status.SUCCESS, log(job)
    assert "[200, 200, 200]" in log(job)
    assert "mine every" in log(job)


def test_entrypoints(play: Callable[[str], Pipeline]) -> None:
    """An entrypoint that is no shell fails the job, unless the job has another one, or none."""
    pipeline = play(
        """
image: 127.0.0.1:1/tool:1
own: {script: [echo ran]}
none: {image: {name: "127.0.0.1:1/tool:1", entrypoint: [""]}, script: [echo ran]}
other: {image: {name: "127.0.0.1:1/tool:1", entrypoint: [sh, -c, 'exec "$0" "$@"']}, script: [echo ran]}
"""
    )
    assert {name: each.status.value for name, each in pipeline.builds.items()} == {
        "own": "failed", "none": "success", "other": "success",
    }  # fmt: skip
    assert "can't open file" in log(pipeline.builds["own"])


def test_it_ends(play: Callable[[str], Pipeline], site: Site, pushed: Any, runner: Runner) -> None:
    """Time limits, cancellation and a runner that is stopped end the container; a canceled script gets SIGTERM."""
    slow = play("slow: {image: '127.0.0.1:1/base:1', timeout: 2 seconds, script: [sleep 60], after_script: [echo on]}")
    assert slow.builds["slow"].failure_reason == "job_execution_timeout"
    assert "\non" in log(slow.builds["slow"])
    pushed({".gitlab-ci.yml": """
default: {image: "127.0.0.1:1/base:1"}
long: {script: ["trap 'echo got-it; exit 0' TERM", echo started, sleep 60 & wait]}
longer: {script: [echo started, sleep 60]}
"""})  # fmt: skip
    pipeline = list(site.gitlab.pipelines.values())[-1]
    long, longer = pipeline.builds["long"], pipeline.builds["longer"]
    assert site.gitlab.wait(lambda: all(b"\nstarted" in each.trace.read() for each in (long, longer)), 30)
    site.gitlab.cancel(long)
    assert site.gitlab.wait(lambda: long.status is Status.CANCELED, 30)
    assert "\ngot-it" in log(long)
    begun = time.monotonic()
    runner.stop()
    assert time.monotonic() - begun < 15


def test_images_that_cannot_be_had(play: Callable[[str], Pipeline], monkeypatch: pytest.MonkeyPatch) -> None:
    """The job runs in a shell and says why; the image is not asked for again; and `never` pulls nothing."""
    asked: list[str] = []
    ensure = job_containers.ensure

    def counted(image: Any, *arguments: Any, **more: Any) -> None:
        asked.append(image.repository)
        ensure(image, *arguments, **more)

    monkeypatch.setattr(job_containers, "ensure", counted)
    pipeline = play(
        """
one: {image: "127.0.0.1:1/nowhere:1", script: [echo ran in $SHELL]}
two: {image: "127.0.0.1:1/nowhere:1", needs: [one], script: [echo ran]}
never: {image: {name: "127.0.0.1:1/never:1", pull_policy: never}, needs: [two], script: [echo ran]}
service: {image: "127.0.0.1:1/base:1", services: ["127.0.0.1:1/lost:1"], needs: [never], script: [echo ran]}
odd: {image: "NO IMAGE", needs: [service], script: [echo ran]}
"""
    )
    assert pipeline.status is Status.SUCCESS
    for each in pipeline.builds.values():
        assert "it runs in a shell of this machine" in log(each)
        assert "\nran" in log(each)
    assert "connection refused" in log(pipeline.builds["two"])
    assert "pull policy is `never`" in log(pipeline.builds["never"])
    assert "the service 127.0.0.1:1/lost:1 is not started" in log(pipeline.builds["service"])
    assert "is no image's name" in log(pipeline.builds["odd"])
    assert asked == ["nowhere", "never", "base", "lost"]


def test_a_pull_that_hangs(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that takes the connection and says nothing is not waited for without end."""
    monkeypatch.setenv("DOCKER_HOST", engine)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = reference.parse(f"127.0.0.1:{silent.getsockname()[1]}/silent:1")
        with pytest.raises(EngineFailed, match="takes longer than 1 s"):
            job_containers.ensure(image, ("always",), lambda _: None, seconds=1)
    for thread in threading.enumerate():
        if thread.name.startswith("pull "):
            thread.join(30)


def test_an_engine_without_networks(play: Callable[[str], Pipeline], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine makes no network for the services, the job is not run without them in its image, and says so."""

    def refuse(mark: str) -> str:
        raise EngineFailed("making a network for the job's services failed: operation not permitted")

    monkeypatch.setattr(job_containers, "network", refuse)
    job = play("job: {image: '127.0.0.1:1/base:1', services: ['127.0.0.1:1/web:1'], script: [test -e /root]}").builds[
        "job"
    ]
    assert job.status is Status.SUCCESS, log(job)
    assert "WARNING: making a network for the job's services failed: operation not permitted" in log(job)


def test_what_a_killed_runner_left(site: Site, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The containers of a job whose runner was killed are gone once a runner starts in its folder."""
    monkeypatch.setenv("DOCKER_HOST", engine)
    images, image = Images(), reference.parse("127.0.0.1:1/web:1")
    left = job_containers.serve(job_containers.Start(image=image, mark="left", network=job_containers.network("left")))
    (tmp_path / "runner" / "builds" / "1").mkdir(parents=True)
    (tmp_path / "runner" / "builds" / "1" / "mark").write_text("left")
    assert docker(engine, "ps", "-q", "--no-trunc") == left.id
    with Runner(
        tmp_path / "runner", url=site.url, token=site.settings.runner_token, end_left=images.end_left,
        executor=lambda job: images.executor(job, Shell()),
    ):  # fmt: skip
        assert docker(engine, "ps", "-aq") + docker(engine, "network", "ls", "-q", "-f", "label=io.mcci.job") == ""


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"])
def test_no_engine(site: Site, pushed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Without an engine on this machine jobs run in a shell, and say why."""
    monkeypatch.setenv("DOCKER_HOST", host)
    images, token = Images(), site.settings.runner_token
    pushed({".gitlab-ci.yml": "job: {image: 'python:3.12', script: [echo ran]}"})
    (pipeline,) = site.gitlab.pipelines.values()
    with Runner(tmp_path / "runner", url=site.url, token=token, executor=lambda job: images.executor(job, Shell())):
        assert site.gitlab.wait(lambda: pipeline.status in COMPLETED, 30)
    job = pipeline.builds["job"]
    assert job.status is Status.SUCCESS
    assert host in log(job)
    assert "The job's image python:3.12 is not used: it runs in a shell of this machine." in log(job)
