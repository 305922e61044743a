"""The local GitLab's state: pipelines made by events, jobs taken, retried and played, and what each of them gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcci.pipeline.files import MemoryFiles
from mcci.rehearsal.gitlab.instance import GitLab, NotCreated, NotNow
from mcci.rehearsal.gitlab.model import User
from mcci.rehearsal.gitlab.payload import Place, payload
from mcci.simulation.events import Event, Project, ProjectVariable, Source
from mcci.simulation.status.model import Status

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.rehearsal.gitlab.model import Build

USER = User(id=1, login="ada", name="Ada", email="ada@example.com")
SHA = "ab" * 20
CONFIGURATION = """
stages: [build, deploy]
variables: {GREETING: "hello $NAME", NAME: world}
build:
  stage: build
  before_script: [echo before]
  script: [[echo $GREETING], make]
  after_script: [echo after]
  artifacts: {paths: [out], reports: {dotenv: build.env}}
test:
  stage: build
  script: [make test]
  retry: 1
deploy:
  stage: deploy
  needs: [build]
  script: [make deploy]
  when: manual
  environment: {name: production/aws, url: "https://example.com"}
later:
  stage: deploy
  needs: []
  script: [echo]
  when: delayed
  start_in: 30 minutes
"""


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of the test's GitLab."""
    return Clock()


@pytest.fixture
def gitlab(tmp_path: Path, clock: Clock) -> GitLab:
    """Make a GitLab with one project."""
    files = MemoryFiles({".gitlab-ci.yml": CONFIGURATION})
    project = Project(
        files=lambda ref: files if ref == "main" else None,
        path="vehicles/app",
        variables=(ProjectVariable(key="TOKEN", value="s3cret-value", masked=True),),
    )
    return GitLab(tmp_path, lambda: project, clock)


def push(gitlab: GitLab, **fields: Any) -> Any:
    """Push to main."""
    return gitlab.start(Event(source=Source.PUSH, ref="main", **fields), sha=SHA, user=USER)


def test_jobs_are_taken_in_order_and_end(gitlab: GitLab, clock: Clock) -> None:
    """A runner gets what is pending, once; times are those of the clock; the pipeline waits for the manual job."""
    pipeline = push(gitlab)
    build, test = gitlab.take("r"), gitlab.take("r")
    assert build is not None
    assert test is not None
    assert (build.name, test.name, gitlab.take("r")) == ("build", "test", None)
    clock.now += 5
    assert gitlab.finish(build, success=True)
    assert gitlab.finish(test, success=True)
    assert build.seconds() == 5
    assert pipeline.builds["deploy"].status is Status.MANUAL
    assert not gitlab.finish(build, success=False)  # a job ends once
    assert build.status is Status.SUCCESS


def test_a_failed_job_is_tried_again_as_another(gitlab: GitLab) -> None:
    """`retry` makes an attempt with an id of its own; the first keeps how it ended, and why."""
    pipeline = push(gitlab)
    gitlab.take("r")
    first = gitlab.take("r")
    assert first is not None
    gitlab.finish(first, success=False, exit_code=3)
    second = pipeline.builds["test"]
    assert second is not first
    assert (first.status, first.retried, first.exit_code, first.failure_reason) == (
        Status.FAILED, True, 3, "script_failure",
    )  # fmt: skip
    assert second.status is Status.PENDING
    gitlab.finish(gitlab.take("r") or first, success=False, exit_code=3)
    assert pipeline.status is Status.RUNNING
    assert pipeline.builds["test"].status is Status.FAILED
    with pytest.raises(NotNow, match="latest attempt"):
        gitlab.retry(first, USER)


def test_a_canceled_attempt_stays_canceled(gitlab: GitLab) -> None:
    """An attempt that another follows still shows how it ended: canceled, or a success."""
    pipeline = push(gitlab)
    build, test = gitlab.take("r"), gitlab.take("r")
    assert build is not None
    assert test is not None
    gitlab.finish(build, success=True)
    gitlab.cancel(test)
    gitlab.finish(test, success=False)
    gitlab.retry(test, USER)
    gitlab.retry(build, USER)
    assert (test.status, build.status) == (Status.CANCELED, Status.SUCCESS)
    assert pipeline.builds["test"].status is pipeline.builds["build"].status is Status.PENDING


def test_what_was_skipped_gets_another_chance(tmp_path: Path, clock: Clock) -> None:
    """A job that was skipped, and runs once what failed before it was retried, has the times of its own run."""
    text = "stages: [one, two]\none: {stage: one, script: [x]}\ntwo: {stage: two, script: [x]}"
    project = Project(files=lambda _: MemoryFiles({".gitlab-ci.yml": text}), path="vehicles/app")
    gitlab = GitLab(tmp_path, lambda: project, clock)
    pipeline = push(gitlab)
    one = gitlab.take("r")
    assert one is not None
    gitlab.finish(one, success=False, exit_code=1)
    two: Build = pipeline.builds["two"]
    assert (two.status, two.finished) == (Status.SKIPPED, 1000)
    gitlab.retry(one, USER)
    clock.now += 7
    gitlab.finish(gitlab.take("r") or one, success=True)
    assert gitlab.take("r") == two
    assert (two.started, two.finished, two.status) == (1007, None, Status.RUNNING)
    clock.now += 3
    gitlab.finish(two, success=True)
    assert (two.seconds(), pipeline.status) == (3, Status.SUCCESS)


def test_a_manual_job_deploys(gitlab: GitLab) -> None:
    """A person's job is theirs, and makes a deployment whose status follows it."""
    pipeline = push(gitlab)
    for build in (gitlab.take("r"), gitlab.take("r")):
        assert build is not None
        gitlab.finish(build, success=True)
    other = User(id=2, login="grace", name="Grace", email="grace@example.com")
    played = gitlab.play(pipeline.builds["deploy"], other, {"EXTRA": "1"})
    assert played.user is other
    taken = gitlab.take("r")
    assert taken is played
    (deployment,) = gitlab.environments.deployments
    assert (deployment.environment.name, deployment.environment.tier) == ("production/aws", "production")
    assert deployment.status == "running"
    gitlab.finish(played, success=True)
    assert deployment.environment.last is deployment
    with pytest.raises(NotNow):
        gitlab.cancel(played)


def test_a_delayed_job_waits_for_its_time(gitlab: GitLab, clock: Clock) -> None:
    """`start_in` is counted by the clock, and a person may start the job before."""
    later = push(gitlab).builds["later"]
    clock.now += 1799
    gitlab.tick()
    before = later.status
    clock.now += 1
    gitlab.tick()
    assert (before, later.status) == (Status.SCHEDULED, Status.PENDING)


def test_what_a_runner_gets(gitlab: GitLab) -> None:
    """A job comes with its script, its expanded variables, masked where they are secret, and what it may fetch."""
    push(gitlab)
    build, test = gitlab.take("r"), gitlab.take("r")
    assert build is not None
    assert test is not None
    place = Place(url="http://127.0.0.1:8080", project=gitlab.project(), project_id=1)
    found = payload(build, place, [])
    assert [step["script"] for step in found["steps"]] == [["echo before", "echo $GREETING", "make"], ["echo after"]]
    variables = {each["key"]: each for each in found["variables"]}
    assert variables["GREETING"]["value"] == "hello world"
    assert variables["TOKEN"]["masked"]
    assert not variables["TOKEN"]["public"]
    assert variables["CI_PIPELINE_ID"]["value"] == "1"
    assert variables["CI_COMMIT_SHA"]["value"] == SHA
    assert variables["CI_JOB_TOKEN"]["value"] == build.token != test.token
    assert found["git_info"]["repo_url"] == f"http://gitlab-ci-token:{build.token}@127.0.0.1:8080/vehicles/app.git"
    assert [each["artifact_type"] for each in found["artifacts"]] == ["archive", "dotenv"]


@pytest.mark.parametrize(("given", "depth"), [("", 20), ("0", 0), ("5", 5), ("all", 20), ("-1", 20), ("²", 20)])
def test_the_depth_of_a_clone(gitlab: GitLab, given: str, depth: int) -> None:
    """GIT_DEPTH says how many commits a clone has; what is no number means GitLab's default."""
    push(gitlab, variables={"GIT_DEPTH": given})
    build = gitlab.take("r")
    assert build is not None
    place = Place(url="http://127.0.0.1:8080", project=gitlab.project(), project_id=1)
    assert payload(build, place, [])["git_info"]["depth"] == depth


def test_artifacts_come_from_what_is_needed(gitlab: GitLab) -> None:
    """A job with `needs` gets those jobs' artifacts and their dotenv variables, and of no others."""
    pipeline = push(gitlab)
    for build in (gitlab.take("r"), gitlab.take("r")):
        assert build is not None
        build.dotenv = {"FROM": build.name}
        gitlab.finish(build, success=True)
    deploy = pipeline.builds["deploy"]
    needed = gitlab.artifacts_of(deploy)
    assert [each.name for each in needed] == ["build"]
    place = Place(url="http://127.0.0.1:8080", project=gitlab.project(), project_id=1)
    values = {each["key"]: each["value"] for each in payload(deploy, place, needed)["variables"]}
    assert values["FROM"] == "build"
    assert values["CI_ENVIRONMENT_NAME"] == "production/aws"


def test_no_pipeline(gitlab: GitLab) -> None:
    """An event that makes no pipeline is refused with GitLab's reason, and leaves nothing behind."""
    with pytest.raises(NotCreated, match="no ref 'nowhere'"):
        gitlab.start(Event(source=Source.PUSH, ref="nowhere"), sha=SHA, user=USER)
    assert gitlab.pipelines == {}
