"""Jobs played by the runner: scripts, variables, artifacts, caches, and jobs that behave badly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcci.errors import ServiceFailed
from mcci.rehearsal.runner import workspace
from mcci.rehearsal.runner.executor import Shell
from mcci.rehearsal.runner.runner import Runner
from mcci.simulation.events import ProjectVariable
from mcci.simulation.status.model import COMPLETED, Status
from tests.service.rehearsal.conftest import MAINTAINER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mcci.rehearsal.gitlab.model import Build, Pipeline
    from mcci.rehearsal.gitlab.site import Site

Push = Any


@pytest.fixture
def runner(site: Site, tmp_path: Path) -> Iterator[Runner]:
    """Run a runner with two slots."""
    token = site.settings.runner_token
    found = Runner(tmp_path / "runner", url=site.url, token=token, executor=lambda _: Shell(), jobs=2)
    with found:
        yield found


@pytest.fixture
def play(site: Site, pushed: Push, runner: Runner) -> Callable[..., Pipeline]:
    """Return what pushes a configuration and waits until its pipeline stands still."""

    def play(configuration: str, files: Mapping[str, str] | None = None) -> Pipeline:
        pushed({".gitlab-ci.yml": configuration, **(files or {})})
        pipeline = list(site.gitlab.pipelines.values())[-1]
        wait(site, pipeline, {*COMPLETED, Status.MANUAL})
        return pipeline

    return play


def wait(site: Site, pipeline: Pipeline, statuses: set[Status], seconds: float = 60) -> None:
    """Wait until a pipeline has one of these statuses."""
    assert site.gitlab.wait(lambda: pipeline.status in statuses, seconds), pipeline.status


def log(build: Build) -> str:
    """Return a job's log."""
    return build.trace.read().decode()


def test_a_pipeline_to_its_end(play: Callable[..., Pipeline], site: Site) -> None:
    """Scripts run in a clean clone with their variables; artifacts, dotenv and reports reach the jobs after them."""
    site.settings.variables.append(ProjectVariable(key="SECRET", value="hunter2-hunter2", masked=True))
    site.settings.variables.append(ProjectVariable(key="CONFIG", value="in a file", file=True))
    pipeline = play(
        """
stages: [build, test]
build:
  stage: build
  before_script: [export WHO=world]
  script:
    - echo "hello $WHO from $CI_COMMIT_BRANCH"
    - mkdir out && cp input.txt out/result.txt
    - echo "VERSION=1.2" > build.env
    - printf 'hunter2-'; sleep 0.4; echo 'hunter2'
    - test "$(cat $CONFIG)" = "in a file"
    - test "$(git rev-parse HEAD)" = "$CI_COMMIT_SHA"
  after_script: [echo "it was a $CI_JOB_STATUS"]
  artifacts: {paths: [out/], reports: {dotenv: build.env, junit: "*.xml"}}
test:
  stage: test
  script:
    - test "$(cat out/result.txt)" = "data"
    - test "$VERSION" = "1.2"
    - test ! -e build.env
""",
        {"input.txt": "data", "report.xml": "<testsuites/>"},
    )
    build = pipeline.builds["build"]
    assert pipeline.status is Status.SUCCESS, log(build) + log(pipeline.builds["test"])
    text = log(build)
    assert "hello world from main" in text
    assert "it was a success" in text
    assert "\x1b[32;1m$ mkdir out && cp input.txt out/result.txt\x1b[0;m" in text
    assert "hunter2" not in text.replace("$ printf 'hunter2-'; sleep 0.4; echo 'hunter2'", "")
    assert "[MASKED]" in text
    assert "section_start:" in text
    assert [each.type for each in build.artifacts] == ["archive", "dotenv", "junit"]


def test_the_first_command_that_fails_ends_a_job(play: Callable[..., Pipeline]) -> None:
    """The exit code is the command's; later commands do not run, and `retry` by exit code does what it says."""
    pipeline = play(
        """
fails:
  script: [echo one, exit 5, echo two]
  retry: {max: 1, exit_codes: 5}
piped:
  script: ["false | cat", echo not-reached]
allowed:
  script: [exit 6]
  allow_failure: {exit_codes: 6}
"""
    )
    assert pipeline.status is Status.FAILED
    fails = pipeline.builds["fails"]
    assert (fails.attempt, fails.exit_code) == (1, 5)
    assert "two" not in log(fails).replace("echo two", "")
    assert "not-reached" not in log(pipeline.builds["piped"])
    assert pipeline.builds["allowed"].exit_code == 6


def test_a_job_that_takes_too_long(play: Callable[..., Pipeline]) -> None:
    """`timeout` ends a job, with GitLab's reason, and its after_script still runs."""
    pipeline = play("slow: {timeout: 1 second, script: [sleep 60], after_script: [echo cleaned-up]}")
    slow = pipeline.builds["slow"]
    assert (slow.status, slow.failure_reason) == (Status.FAILED, "job_execution_timeout")
    assert "cleaned-up" in log(slow)
    assert (slow.seconds() or 99) < 30


def test_a_job_that_hangs(play: Callable[..., Pipeline], monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that takes no notice of SIGTERM is killed a while after its time is up, with all that it has started."""
    monkeypatch.setattr("mcci.rehearsal.runner.play.GRACE", 0.5)
    pipeline = play("hangs: {timeout: 1 second, script: [\"trap '' TERM; while :; do sleep 4321; done\"]}")
    hangs = pipeline.builds["hangs"]
    assert (hangs.status, hangs.failure_reason) == (Status.FAILED, "job_execution_timeout")
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _command(path) == b"sleep\x004321\x00"]


def test_nothing_stays_behind(play: Callable[..., Pipeline], tmp_path: Path) -> None:
    """What a job leaves running, even out of its group, is ended with the job."""
    pipeline = play(
        """
forks:
  script:
    - setsid sleep 1234 > /dev/null 2>&1 &
    - (sleep 1234 > /dev/null 2>&1 &)
    - echo done
"""
    )
    assert pipeline.status is Status.SUCCESS
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _command(path) == b"sleep\x001234\x00"]
    assert left == []
    assert list((tmp_path / "runner" / "builds").iterdir()) == []


def _command(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_it_keeps_to_its_clone(play: Callable[..., Pipeline], tmp_path: Path) -> None:
    """What a job writes beside its clone no other job sees, nothing outside is handed over, and none of it is left."""
    pipeline = play(
        """
stages: [one, two]
one:
  stage: one
  script: [echo kept > ../beside, echo kept > "$HOME/at-home", ln -s /etc/hostname link, echo mine > mine]
  artifacts: {paths: [../beside, /etc/hostname, link/, mine]}
two:
  stage: two
  script: [test ! -e ../beside, test ! -e "$HOME/at-home", test "$(cat mine)" = mine, test -L link, git status --short]
"""
    )
    one, two = (pipeline.builds[name] for name in ("one", "two"))
    assert pipeline.status is Status.SUCCESS, log(one) + log(two)
    assert "../beside: no matching files" in log(one)
    assert "?? mine" in log(two)
    assert list((tmp_path / "runner" / "builds").iterdir()) == []


def test_a_flood_is_cut(play: Callable[..., Pipeline]) -> None:
    """A job that floods its log goes on, and the log ends at GitLab's limit."""
    pipeline = play(
        """
flood:
  script: ["head -c 9000000 /dev/zero | tr '\\0' x", echo at the end, touch made]
  artifacts: {paths: [made]}
"""
    )
    flood = pipeline.builds["flood"]
    assert flood.status is Status.SUCCESS
    assert flood.trace.size < 4.1 * 2**20
    assert b"exceeded limit" in flood.trace.read()[-300:]
    assert flood.artifacts


def test_cancel(pushed: Push, site: Site, runner: Runner) -> None:
    """A canceled job gets SIGTERM, its after_script runs, and it is canceled."""
    pushed({".gitlab-ci.yml": """
long:
  script:
    - trap 'echo got-the-signal; exit 0' TERM
    - echo started
    - sleep 60 & wait
  after_script: [echo after-$CI_JOB_STATUS]
"""})  # fmt: skip
    (pipeline,) = site.gitlab.pipelines.values()
    build = pipeline.builds["long"]
    assert site.gitlab.wait(lambda: b"\nstarted" in build.trace.read(), 30)
    site.gitlab.cancel(build)
    wait(site, pipeline, {Status.CANCELED}, 30)
    end = time.monotonic() + 10
    while "after-canceled" not in log(build) and time.monotonic() < end:
        time.sleep(0.1)
    assert "got-the-signal" in log(build)
    assert "after-canceled" in log(build)


def test_a_manual_job_waits(play: Callable[..., Pipeline], site: Site) -> None:
    """A manual job runs once somebody starts it, as that person, with the variables given."""
    pipeline = play("press: {when: manual, allow_failure: false, script: ['echo by $GITLAB_USER_LOGIN with $WHAT']}")
    assert pipeline.status is Status.MANUAL
    site.gitlab.play(pipeline.builds["press"], MAINTAINER, {"WHAT": "care"})
    wait(site, pipeline, set(COMPLETED))
    assert "by ada with care" in log(pipeline.builds["press"])


def test_a_cache_is_kept(play: Callable[..., Pipeline]) -> None:
    """What a job puts into its cache the next pipeline's job finds."""
    configuration = """
cached:
  cache: {key: deps, paths: [deps/]}
  script: ["test -e deps/lib && echo was-there || (mkdir deps && echo lib > deps/lib)"]
"""
    first = play(configuration)
    assert "was-there" not in log(first.builds["cached"]).replace("echo was-there", "")
    second = play(configuration, {"change": "1"})
    assert "\nwas-there" in log(second.builds["cached"])


def test_no_commit(play: Callable[..., Pipeline], site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose commit cannot be had fails as a runner's system failure, and the runner goes on."""

    def refuse(self: object, job: object, folder: Path) -> None:
        raise ServiceFailed("the commit could not be fetched")

    monkeypatch.setattr(workspace.Mirror, "clone", refuse)
    pipeline = play("job: {script: [echo]}")
    assert pipeline.builds["job"].failure_reason == "runner_system_failure"
