"""The journal: whatever happened, a GitLab that is started again in the same folder has the same state."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.errors import ServiceFailed
from mcci.pipeline.files import MemoryFiles
from mcci.rehearsal.gitlab.instance import GitLab, NotCreated, NotNow
from mcci.rehearsal.gitlab.journal import Journal
from mcci.rehearsal.gitlab.model import User
from mcci.simulation.events import Event, MergeRequest, Project, ProjectVariable, Source

USERS = [
    User(id=1, login="ada", name="Ada", email="ada@example.com"),
    User(id=2, login="dev", name="Dev", email="dev@example.com"),
]
PARENT = """
stages: [first, second]
workflow: {name: "on $CI_COMMIT_BRANCH with $GIVEN", auto_cancel: {on_new_commit: interruptible}}
build: {stage: first, script: [make], retry: 1, interruptible: true, artifacts: {paths: [out]}}
down: {stage: first, trigger: {include: child.yml, strategy: mirror}}
soon: {stage: first, script: [make], when: delayed, start_in: 2 seconds}
later: {stage: second, script: [make], when: delayed, start_in: 5 seconds}
deploy: {stage: second, script: [make], when: manual, environment: "production/$CI_COMMIT_BRANCH", resource_group: all}
"""
CHILD = """
test: {script: [make]}
press: {script: [make], when: manual, allow_failure: false, resource_group: all}
stop: {script: [make], needs: [press], environment: {name: production/main, action: stop}}
"""
FILES = MemoryFiles({".gitlab-ci.yml": PARENT, "child.yml": CHILD})
PROJECT = Project(
    files=lambda ref: FILES if ref in ("main", "topic") else None,
    path="vehicles/app",
    variables=(ProjectVariable(key="TOKEN", value="s3cret-value", masked=True),),
    protected=("main",),
)
ACTIONS = (
    "push",
    "merge",
    "take",
    "done",
    "failed",
    "cancel",
    "retry",
    "play",
    "wait",
    "cancel all",
    "retry all",
    "keep",
)


class Clock:
    """A clock that a test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def opened(folder: Path, clock: Clock) -> GitLab:
    """Start a GitLab in a folder, which may hold what another one left."""
    return GitLab(folder, lambda: PROJECT, clock, users=USERS)


def state(gitlab: GitLab) -> list[Any]:
    """Return all there is to see of a GitLab."""
    return [
        [
            (each.id, each.name, each.ref, each.sha, each.source, each.user.login, each.status, each.created,
             each.started, each.finished, each.parent and each.parent.id, [build.id for build in each.builds.values()],
             dict(each.planned.event.variables), each.planned.event.changes)
            for each in gitlab.pipelines.values()
        ],
        [
            (each.id, each.name, each.attempt, each.status, each.token, each.created, each.queued, each.started,
             each.finished, each.runner, each.user and each.user.login, each.failure_reason, each.exit_code,
             each.artifacts, dict(each.dotenv), dict(each.variables), each.trace.read(), each.retried,
             each.engine.downstream and each.engine.downstream.id, each.engine.due)
            for each in gitlab.builds.values()
        ],
        [(each.id, each.name, each.tier, each.url, each.state, each.created) for each in gitlab.environments],
        [(each.id, each.environment.name, each.build.id, each.status) for each in gitlab.environments.deployments],
    ]  # fmt: skip


def act(gitlab: GitLab, clock: Clock, what: str, which: int) -> None:
    """Do one thing to one of the jobs or pipelines, where that can be."""
    builds, pipelines = list(gitlab.builds.values()), list(gitlab.pipelines.values())
    user = USERS[which % 2]
    if what == "push":
        event = Event(source=Source.PUSH, ref=("main", "topic")[which % 2], variables={"GIVEN": str(which)})
        gitlab.start(event, sha=f"{which:040x}", user=user)
    elif what == "merge":
        request = MergeRequest(source="topic", target="main")
        event = Event(source=Source.MERGE_REQUEST, ref="topic", merge_request=request, changes=("a", "b"))
        gitlab.start(event, sha=f"{which:040x}", user=user)
    elif what == "wait":
        clock.now += which
        gitlab.tick()
    elif what == "take":
        gitlab.take(f"runner-{which}")
    elif builds:
        build, pipeline = builds[which % len(builds)], pipelines[which % len(pipelines)]
        match what:
            case "done":
                gitlab.finish(build, success=True)
            case "failed":
                gitlab.finish(build, success=False, exit_code=which)
            case "cancel":
                gitlab.cancel(build, force=which > 5)
            case "retry":
                gitlab.retry(build, user)
            case "play":
                gitlab.play(build, user, {"NUMBER": str(which)})
            case "cancel all":
                gitlab.cancel_pipeline(pipeline)
            case "retry all":
                gitlab.retry_pipeline(pipeline, user)
            case "keep":
                build.trace.append(b"a line\n")
                gitlab.keep(build, "dotenv", "dotenv.gz", b"X=1", form="gzip", dotenv={"X": str(which)})


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9)), max_size=40))
def test_what_is_read_again_is_what_was(actions: list[tuple[str, int]]) -> None:
    """After any actions of people, runners and time, a new start has every pipeline, job and deployment as it was."""
    with tempfile.TemporaryDirectory() as name:
        clock, folder = Clock(), Path(name)
        first = opened(folder, clock)
        first.start(Event(source=Source.PUSH, ref="main"), sha="a" * 40, user=USERS[0])
        for what, which in actions:
            clock.now += 0.25
            try:
                act(first, clock, what, which)
            except (NotNow, NotCreated):
                continue
        second = opened(folder, clock)
        assert state(second) == state(first)
        for gitlab in (first, second):  # and both go on alike
            gitlab.take("last")
        clock.now += 60
        for gitlab in (first, second):
            gitlab.tick()
        assert state(second) == state(first)


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    """What a process that was killed had not written to the end is not there; what comes after is whole."""
    journal = Journal(tmp_path / "journal")
    journal.write({"at": 1})
    with (tmp_path / "journal").open("ab") as file:
        file.write(b'{"at": 2, "do')
    again = Journal(tmp_path / "journal")
    again.write({"at": 3})
    assert list(again.entries()) == [{"at": 1}, {"at": 3}]


@pytest.mark.parametrize(
    "line", ["rubbish", '{"at": 1, "do": "dance"}', '{"at": 1, "do": "take", "build": 7, "runner": "r"}']
)
def test_a_state_that_does_not_fit(tmp_path: Path, line: str) -> None:
    """A journal that cannot be done again is refused with what does not fit, not taken up by halves."""
    opened(tmp_path, Clock())
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ServiceFailed, match=r"journal"):
        opened(tmp_path, Clock())


def test_it_is_its_owner_s_alone(tmp_path: Path) -> None:
    """The journal and what tokens are made from are for nobody else to read."""
    opened(tmp_path, Clock())
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("journal.jsonl", "secret")] == ["0o600"] * 2


def test_a_lost_runner(tmp_path: Path) -> None:
    """A job whose runner says nothing for long has failed with GitLab's reason; a sign of life is enough."""
    clock = Clock()
    gitlab = GitLab(tmp_path, lambda: PROJECT, clock, users=USERS, silence=30)
    gitlab.start(Event(source=Source.PUSH, ref="main"), sha="a" * 40, user=USERS[0])
    build, test = gitlab.take("lost"), gitlab.take("slow")
    assert build is not None
    assert test is not None
    for _ in range(5):
        clock.now += 5
        gitlab.tick()
    gitlab.heard(test)
    for _ in range(2):
        clock.now += 5
        gitlab.tick()
    assert (build.status.value, build.failure_reason) == ("failed", "stuck_or_timeout_failure")
    assert build.pipeline.builds["build"].status.value == "pending"  # `retry: 1`
    assert test.status.value == "running"
    clock.now += 3600  # a notebook that was closed meanwhile: nobody is lost
    gitlab.tick()
    assert test.status.value == "running"
