"""What GitLab, webhooks and people are shown of a canary."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mcci.canary.clusters.survey import look
from mcci.canary.report import chart, junit, links, metrics, notices, notify, status
from mcci.canary.report.files import Report
from mcci.canary.report.junit import Case, Result
from mcci.canary.verdict import Look, Verdict, missing
from mcci.clients.kubernetes.api import Unreachable
from mcci.commands.canary_live import live
from mcci.config.model import Notice, Webhook
from mcci.errors import UsageError
from tests.unit.canary.kills import prepared
from tests.unit.canary.objects import NOW, V1, V2
from tests.unit.canary.world import SETTINGS, World
from tests.unit.clusters.fake_api import Fault, Script

EVIDENCE = {
    "canary": {"requests": 200, "errors": 6, "p95_ms": 120.5},
    "stable": {"requests": 1800, "errors": 18, "p95_ms": 80.0},
}


def test_junit_has_what_was_done_and_why_not() -> None:
    """Each case is a test: passed with its text, failed or skipped with its message."""
    cases = [
        Case(name="step to 10", text="done"),
        Case(name="judge", result=Result.FAILED, message="fail: worse", text="numbers\x00"),
        Case(name="bake", result=Result.SKIPPED, message="nobody to ask"),
    ]
    suite = ElementTree.fromstring(junit.report("staff-service", cases, NOW.isoformat(), 1.5))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [case.get("name") for case in suite] == ["step to 10", "judge", "bake"]
    failure = suite[1].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("fail: worse", "numbers\ufffd")


def test_metrics_are_one_number_a_line() -> None:
    """Weights, errors and latency of both versions, as OpenMetrics."""
    found = metrics.report(prepared(2, 10).state(), EVIDENCE, 0.25).splitlines()
    assert 'mcci_canary_weight_percent{service="staff-service",track="canary"} 10' in found
    assert 'mcci_canary_error_percent{service="staff-service",track="canary"} 3.0000' in found
    assert 'mcci_canary_latency_p95_milliseconds{service="staff-service",track="stable"} 80.0' in found
    assert 'mcci_canary_skew_seconds{service="staff-service"} 0.250' in found
    assert found[-1] == "# EOF"


def test_links_lead_to_the_chart_and_to_prometheus() -> None:
    """The annotations report has the form that GitLab takes."""
    state = prepared(2, 10).state()
    found = json.loads(
        links.report(state, "pass", "https://g/j/1", {"prod-aws": "https://p/"}, "vehicles", {"chart": "canary/s.svg"})
    )
    assert found["Canary"][0] == {
        "external_link": {
            "label": f"staff-service: {V2} at 10 %, pass (chart)",
            "url": "https://g/j/1/artifacts/file/canary/s.svg",
        }
    }
    assert found["Canary"][1]["external_link"]["url"].startswith("https://p/graph?g0.expr=sum%20by")


percents = st.none() | st.floats(0, 100)
points_known = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 100), percents, percents))


@given(points_known)
def test_the_chart_is_sound_whatever_is_known(found: list[tuple[int, int, float | None, float | None]]) -> None:
    """Any points, few or many, known or not, give a well-formed SVG whose lines stay inside of it."""
    points = [
        chart.Point(at=at, weight=weight, errors=(errors, 0.0), latency=(None, latency), mark="step <10>")
        for at, weight, errors, latency in sorted(found, key=lambda each: each[0])
    ]
    root = ElementTree.fromstring(chart.chart("staff & co", points))
    height = float(root.get("height", "0"))
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.get("cx", "-1")) <= chart.WIDTH
        assert 0 <= float(circle.get("cy", "-1")) <= height


def test_the_chart_has_the_canarys_way() -> None:
    """Every step of the history is a point with its weight."""
    points = chart.points(prepared(2, 50).state())
    assert [point.weight for point in points] == [0, 10, 25, 50]
    assert "step 25" in chart.chart("staff-service", points)


def test_files_are_written_however_it_ends(tmp_path: Path) -> None:
    """JUnit is always there; chart, links, metrics and state once the state is known."""
    report = Report(service="s", namespace="vehicles", begun=NOW)
    report.cases.append(Case(name="step to 10", result=Result.FAILED, message="no"))
    report.write(tmp_path, NOW + timedelta(seconds=1))
    assert [path.name for path in (tmp_path / "canary").iterdir()] == ["s.xml"]
    report.state = prepared(2, 10).state()
    report.judged(Look(verdict=Verdict.PASS, evidence=EVIDENCE), "judge")
    report.write(tmp_path, NOW)
    names = {path.name for path in (tmp_path / "canary").iterdir()}
    assert names == {"s.xml", "s.svg", "s.json", "s-metrics.txt", "s-annotations.json"}


def message() -> notices.Message:
    """A canary that failed, for a reason that needs care in JSON."""
    world = prepared(2, 10)
    return notify.message(world.site(), world.state(), Notice.FAIL, "fail", 'errors "3 %"\nof 200')


def test_a_message_is_slacks_by_default() -> None:
    """Without templates the JSON has the one text that Slack and Mattermost show."""
    text = json.loads(notices.payload(Webhook(name="slack", url="HOOK"), message()))["text"]
    assert text.startswith(":rotating_light: staff-service in production: fail, canary v2222222222 at 10 % (by anna)")
    assert 'errors "3 %"\nof 200' in text


def test_a_message_can_be_templated() -> None:
    """Text and payload are the user's own, and what is put in is escaped."""
    hook = Webhook(name="own", url="HOOK", text="$service: $why", payload='{"body": {"m": "$text", "w": $weight}}')
    assert json.loads(notices.payload(hook, message())) == {
        "body": {"m": 'staff-service: errors "3 %"\nof 200', "w": 10}
    }
    with pytest.raises(UsageError, match=r"notifications.own.payload gives no JSON"):
        notices.payload(Webhook(name="own", url="HOOK", payload='{"text": $text}'), message())


def test_a_webhook_that_is_not_set_is_told_of() -> None:
    """A missing variable is logged by its name, and no other webhook suffers."""
    said: list[str] = []
    hooks = {"slack": Webhook(name="slack", url="HOOK"), "quiet": Webhook(name="quiet", url="X", on=(Notice.STEP,))}
    notify.tell(hooks, message(), {}, said.append)
    assert said == ["the webhook 'slack' was not told: the variable HOOK is not set in this job."]


def status_of(world: World, script: Script | None = None) -> status.Status:
    """The status, as a command finds it."""
    site, survey = look(world.site(script), tolerant=True)
    return status.status(site, survey, SETTINGS)


def test_status_of_a_canary_under_way() -> None:
    """Plan, step, weights and pods of every cluster, who and when, what comes next and how long it bakes."""
    found = status_of(prepared(2, 25))
    text = "\n".join(status.lines(found))
    for part in (
        f"canary {V2} at 25 % beside {V1}, next 50", "10 → [25] → 50 → 100", f"prod-azure: {V1} 75, {V2} 25",
        f"2 of {V1}, 2 of {V2}", f"testers   x-canary: always → {V2}", "by anna, pipeline 7",
        "bakes     10m more", "step    25",
    ):  # fmt: skip
        assert part in text, text
    assert json.dumps(status.body(found))


def test_status_has_the_evidence() -> None:
    """What the judge says now, and the numbers of both versions, are part of the status."""
    world = prepared(2, 10)
    site, survey = look(world.site())
    now = Look(verdict=Verdict.INCONCLUSIVE, reasons=("too early",), evidence=EVIDENCE, more_requests=9, seconds=60.0)
    found = status.status(site, survey, SETTINGS, now)
    text = "\n".join(status.lines(found))
    assert "evidence  inconclusive: too early (need 9 more requests, about 60 s)" in text
    assert "evidence  canary: 200 requests, 3.00 % failed, p95 120.5 ms" in text
    assert status.body(found)["judgement"] == EVIDENCE


def test_status_tells_what_is_wrong() -> None:
    """A foreign edit and a lost cluster are problems in the status, and nothing is raised."""
    world = prepared(2, 10)
    world.shift("prod-azure", 60)
    assert f"somebody else has changed weights: prod-azure has {V1} 40, {V2} 60" in "\n".join(status_of(world).problems)
    script = Script(faults=[Fault(error=Unreachable("prod-azure: gone"), cluster="prod-azure", times=9)])
    found = status_of(world, script)
    assert found.weights["prod-azure"] == "prod-azure: gone"
    assert status.body(found)["clusters"]["prod-azure"] == {"weights": None, "problem": "prod-azure: gone"}
    assert "was never deployed" in status.lines(status_of(World()))[0]


def test_the_live_view_draws_every_cluster() -> None:
    """The live view shows a bar a cluster, its pods, and what is wrong."""
    world = prepared(2, 25)
    world.shift("prod-azure", 60)
    console = Console(record=True, width=120, force_terminal=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        live(lambda: status_of(world), 0.01, console, times=2)
        text = console.export_text()
    assert "prod-azure" in text
    assert "somebody else has changed weights" in text
    assert "█" in text


@pytest.mark.parametrize(
    ("seconds", "requests", "words"),
    [(360.0, 340, "need 340 more requests, about 6 min"), (45.0, None, "about 45 s"), (None, None, ""),
     (7200.0, 9, "need 9 more requests, about 2.0 h")],
)  # fmt: skip
def test_what_is_missing(seconds: float | None, requests: int | None, words: str) -> None:
    """What an inconclusive verdict lacks is said in numbers that people can wait for."""
    assert missing(Look(verdict=Verdict.INCONCLUSIVE, seconds=seconds, more_requests=requests)) == words
