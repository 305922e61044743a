"""GitLab is asked whether the job that holds a lock is over, where a token may ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from mcci import job
from mcci.clusters import ended, leases
from mcci.clusters.leases import Holder, Lock
from tests.service.clusters.stub import gitlab
from tests.unit.clusters.clocks import FakeClock
from tests.unit.clusters.fake_api import FakeApi, State


def body(status: str, seconds: int | None) -> str:
    """Return a job that ended so many seconds before now."""
    finished = datetime.now(UTC) - timedelta(seconds=seconds or 0)
    return json.dumps({"status": status, "finished_at": finished.isoformat() if seconds else None})


@pytest.mark.parametrize(
    ("status", "seconds", "expected"),
    [
        ("failed", 60, True), ("canceled", 3600, True), ("canceled", 3, False), ("running", None, False),
        ("canceling", 60, False),
    ],
)  # fmt: skip
def test_ended(status: str, seconds: int | None, expected: bool) -> None:
    """A job is over when GitLab says so, and has said so for as long as a Lease lasts."""
    with gitlab(body(status, seconds)) as (url, asked):
        ask = ended.by_gitlab(job.read({"CI_SERVER_URL": url, "GITLAB_TOKEN": "glpat-x"}))
        assert ask is not None
        holder = Holder(identity="maria", job_url=f"{url}/group/sub/shop/-/jobs/70")
        assert ask(holder) is expected
    assert asked == ["/api/v4/projects/group%2Fsub%2Fshop/jobs/70 glpat-x"]


@pytest.mark.parametrize(("text", "code"), [('{"message": "404 Not found"}', 404), ("<html>", 200), ("", 500)])
def test_in_doubt(text: str, code: int) -> None:
    """A job that GitLab does not show is not over."""
    with gitlab(text, code=code) as (url, asked):
        ask = ended.by_gitlab(job.read({"CI_SERVER_URL": url, "GITLAB_TOKEN": "glpat-x"}))
        assert ask is not None
        holder = Holder(identity="maria", job_url=f"{url}/group/sub/shop/-/jobs/70")
        assert not ask(holder)
    assert len(asked) == 1


def test_not_asked() -> None:
    """Without a token nobody is asked; of another server's job neither, nor of a person at a terminal."""
    assert ended.by_gitlab(job.read({"CI_SERVER_URL": "https://gitlab.example"})) is None
    ask = ended.by_gitlab(job.read({"CI_SERVER_URL": "https://gitlab.example", "GITLAB_TOKEN": "x"}))
    assert ask is not None
    for url in ("", "https://evil.example/group/shop/-/jobs/70", "https://gitlab.example/group/shop"):
        assert not ask(Holder(identity="maria", job_url=url))


def test_takes_over() -> None:
    """The lock of a job that ended a minute ago is taken at once."""
    with gitlab(body("failed", 60)) as (url, _):
        state, clock = State(), FakeClock()
        dead = Holder(identity="job 70", job_url=f"{url}/group/shop/-/jobs/70")
        Lock(api=FakeApi("prod-aws", state), namespace="shop", name="mcci-deploy", holder=dead, clock=clock).attempt()
        ask = ended.by_gitlab(job.read({"CI_SERVER_URL": url, "GITLAB_TOKEN": "x"}))
        api = FakeApi("prod-aws", state)
        with leases.hold(api, "shop", "mcci-deploy", Holder(identity="job 71"), clock=clock, ended=ask) as held:
            held.check()
    assert clock.world.time == 0
