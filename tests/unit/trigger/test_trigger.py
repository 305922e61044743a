"""How a release is passed, and when waiting ends."""

from __future__ import annotations

import pytest

from mcci.clients.gitlab_pipelines import Pipeline
from mcci.config.load import load
from mcci.delivery.trigger.plan import plan
from mcci.delivery.trigger.watch import LONGEST, TakesTooLong, Verdict, verdict, wait
from mcci.errors import UsageError

CONFIG = "version: 1\napplication: shop\nservices: {{cart: {{}}}}\nbranches: {{deployment: live}}\ngitlab: {{{}}}\n"
ENVIRONMENT = {"CI_JOB_TOKEN": "job-secret", "BOT": "bot-secret"}


@pytest.mark.parametrize(
    ("settings", "inputs", "variables", "token"),
    [
        ("", {"release": "r"}, {}, "job-secret"),
        ("version: '17.11'", {"release": "r"}, {}, "job-secret"),
        ("version: '17.10'", {}, {"MCCI_RELEASE": "r"}, "job-secret"),
        ("inputs: false", {}, {"MCCI_RELEASE": "r"}, "job-secret"),
        ("trigger: trigger-token, trigger_token: BOT", {"release": "r"}, {}, "bot-secret"),
    ],
)
def test_plan(settings: str, inputs: dict[str, str], variables: dict[str, str], token: str) -> None:
    """The release goes as an input where GitLab takes one, else as a variable; never as both."""
    start = plan(load(CONFIG.format(settings).encode(), "mcci.yml"), "r", ENVIRONMENT)
    assert (start.branch, start.inputs, start.variables, start.token) == ("live", inputs, variables, token)
    assert token not in repr(start)


def test_no_token() -> None:
    """A token that is not there is named, with where it comes from."""
    with pytest.raises(UsageError, match="CI_JOB_TOKEN is not set"):
        plan(load(CONFIG.format("").encode(), "mcci.yml"), "r", {})


def pipeline(status: str, *children: str) -> Pipeline:
    return Pipeline(id=1, url="https://gitlab.example/1", status=status, children=children)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pipeline("success"), Verdict.SUCCESS),
        (pipeline("manual"), Verdict.WAITING),
        (pipeline("skipped"), Verdict.FAILED),
        (pipeline("waiting_for_resource"), Verdict.AT_WORK),
        (pipeline("scheduled"), Verdict.AT_WORK),
        (pipeline("a status of tomorrow"), Verdict.AT_WORK),
        (pipeline("running", "manual"), Verdict.WAITING),
        (pipeline("running", "manual", "success"), Verdict.WAITING),
        (pipeline("running", "manual", "running"), Verdict.AT_WORK),
        (pipeline("failed", "manual"), Verdict.FAILED),
    ],
)
def test_verdict(found: Pipeline, expected: Verdict) -> None:
    """A status says whether the automatic stages are done; a running parent's children tell for it."""
    assert verdict(found) is expected


def test_waits_longer_and_longer() -> None:
    """Looks come less and less often, the last one at the deadline."""
    clock, waits = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    with pytest.raises(TakesTooLong, match="It goes on"):
        wait(lambda: pipeline("running"), deadline=600, now=lambda: clock[0], sleep=sleep)
    assert waits[:-1] == sorted(waits[:-1])
    assert max(waits) == LONGEST
    assert sum(waits) == 600
