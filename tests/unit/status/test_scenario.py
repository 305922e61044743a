"""Scenario files: what is wrong in one is found at its place, and a difference is told."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mcci.errors import ExitCode, InvalidInput
from mcci.simulation.status import scenario

GOOD = textwrap.dedent(
    """\
    title: A unit test
    source: https://docs.gitlab.com/ci/
    config:
      stages: [test, deploy]
      unit: {stage: test, script: make test}
      ship: {stage: deploy, script: make ship}
    init:
      expect:
        pipeline: pending
        stages: {test: pending, deploy: created}
        jobs: {unit: pending, ship: created}
    transitions:
      - event: drop
        jobs: [unit]
        expect:
          pipeline: failed
          jobs: {ship: skipped}
    """
)


def findings(text: str) -> list[str]:
    """Return what is wrong with a scenario, as text with positions."""
    with pytest.raises(InvalidInput) as caught:
        scenario.run(text, "s.yml")
    assert caught.value.exit_code is ExitCode.USAGE
    return [str(finding) for finding in caught.value.findings]


def changed(old: str, new: str) -> str:
    """Return the good scenario with one text replaced."""
    assert old in GOOD
    return GOOD.replace(old, new)


def test_all_as_expected() -> None:
    """A scenario of which every status is as expected ends with 0 and says how much it looked at."""
    report = scenario.run(GOOD, "s.yml")
    assert report.exit_code is ExitCode.DONE
    assert report.text() == "A unit test: 1 event, 7 statuses, all as expected"


@pytest.mark.parametrize(
    "change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"), "---\n".__add__]
)
def test_the_way_text_is_written_does_not_matter(change: Callable[[str], str]) -> None:
    """A byte order mark, Windows line ends, a document marker and characters of any width change nothing."""
    text = changed("title: A unit test", "title: Übung 😀")
    assert scenario.run(change(text), "s.yml").text() == "Übung 😀: 1 event, 7 statuses, all as expected"


def test_each_difference_has_its_place() -> None:
    """A difference names the event, what is different, both statuses, and the line of the expectation."""
    report = scenario.run(changed("jobs: {ship: skipped}", "jobs: {ship: pending, unit: skipped}"), "s.yml")
    assert report.exit_code is ExitCode.NO
    assert report.text().splitlines() == [
        "s.yml:17:20: after drop unit: job 'ship' is skipped, expected pending",
        "s.yml:17:35: after drop unit: job 'unit' is failed, expected skipped",
        "A unit test: 1 event, 8 statuses, 2 not as expected",
    ]


def test_what_is_not_there_is_a_difference() -> None:
    """An expected job, stage or pipeline that does not exist does not pass."""
    text = changed("jobs: {ship: skipped}", "jobs: {shop: skipped}\n      pipelines: {child: {pipeline: failed}}")
    assert scenario.run(text, "s.yml").text().splitlines()[:2] == [
        "s.yml:17:20: after drop unit: job 'shop' is not there, expected skipped",
        "s.yml:18:37: after drop unit: pipeline 'child' is not there, expected failed",
    ]


def test_what_is_not_expected_is_not_compared() -> None:
    """A scenario may leave out what it does not care about."""
    assert scenario.run("config: {unit: {script: x}}\n", "s.yml").exit_code is ExitCode.DONE


def test_refused_event_is_told() -> None:
    """An event that GitLab would refuse changes nothing, and the report says so."""
    text = (
        changed("event: drop", "event: retry")
        .replace("pipeline: failed", "pipeline: pending")
        .replace("ship: skipped", "")
    )
    report = scenario.run(text, "s.yml")
    assert report.exit_code is ExitCode.DONE
    expected = "s.yml:13:5: note: GitLab does not let 'retry' happen to 'unit', which is pending"
    assert report.text().splitlines()[0] == expected


def test_document_has_every_status_and_difference() -> None:
    """The JSON body has all statuses after each event, and the differences with their lines."""
    document = scenario.run(changed("pipeline: failed", "pipeline: success"), "s.yml").document()
    assert (document["passed"], document["expectations"]) == (False, 7)
    start, dropped = document["steps"]
    assert start["event"] == "at the start"
    assert start["jobs"] == {"unit": "pending", "ship": "created"}
    assert dropped["stages"] == {"test": "failed", "deploy": "skipped"}
    assert dropped["differences"] == [
        {
            "in": "",
            "kind": "pipeline",
            "name": "",
            "expected": "success",
            "actual": "failed",
            "line": 16,
            "column": 17,
        }
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: A", "titel: A", "s.yml:1:1: a scenario has no key 'titel'"),
        ("event: drop", "event: explode", "s.yml:13:12: 'explode' is no event; there are: success, drop"),
        ("jobs: [unit]", "jobs: unit", "s.yml:14:11: 'jobs' must be a list of job names"),
        ("jobs: [unit]", "jobs: [unti]", "s.yml:14:12: there is no job in the pipeline named 'unti'"),
        ("pipeline: failed", "pipeline: broken", "s.yml:16:17: 'broken' is no status; there are: created"),
        ("pipeline: failed", "pipeline: [a]", "s.yml:16:17: a list is no status"),
        ("pipeline: failed", "status: failed", "s.yml:16:7: 'expect' has no key 'status'"),
        ("stages: {test: pending, deploy: created}", "stages: [test]", "s.yml:10:13: 'stages' must be a mapping"),
        ("jobs: [unit]", "exit_code: one", "s.yml:14:16: 'exit_code' must be a whole number, not 'one'"),
        ("jobs: [unit]", "pipeline: child", "s.yml:14:15: there is no pipeline named 'child'"),
        ("event: drop", "event: start", "s.yml:13:5: the event 'start' must name a 'pipeline' of this scenario"),
        ("transitions:", "transitions: 3\nx:", "s.yml:12:14: 'transitions' must be a list of events"),
        ("  - event: drop", "  - drop\n  - event: drop", "s.yml:13:5: a transition must be a mapping"),
        ("config:", "configuration:", "s.yml:1:1: 'config' of a scenario is missing"),
        ("stage: deploy,", "stage: nowhere,", "s.yml:6:17: ship: chosen stage 'nowhere' does not exist"),
        ("make ship}", "make ship, needs: [none]}", "ship: undefined need: none"),
        ("make ship}", "make ship, when: sometimes}", "s.yml:6:"),
        ("make ship}", "make ship, when: delayed, start_in: soon}", "start_in should be a duration"),
        (
            "stages: [test, deploy]",
            "workflow: {auto_cancel: {on_job_failure: most}}",
            "s.yml:4:44: workflow:auto_cancel",
        ),
        ("stages: [test, deploy]", "workflow: {rules: [{when: never}]}", "there is no pipeline"),
    ],
)
def test_mistake_is_found_at_its_place(old: str, new: str, expected: str) -> None:
    """What is wrong in a scenario, or in the configuration in it, is a finding with its line and column."""
    assert any(expected in finding for finding in findings(changed(old, new)))


@pytest.mark.parametrize(
    "text", ["", "- a\n", "3", "a: b: c", "\x00", "config: {}\n", "config: 3\n", "config: {unit: {}}"]
)
def test_no_scenario_at_all(text: str) -> None:
    """Text that holds no scenario is a finding, never a traceback."""
    assert findings(text)[0].startswith("s.yml:")


WORDS = (
    "title config init transitions event jobs expect pipeline stages unit needs rules when success retry play manual "
    "script trigger include files pipelines start wait"
)
NAMES = st.sampled_from(WORDS.split())
SCALARS = st.one_of(
    NAMES, st.none(), st.booleans(), st.integers(-2, 10**6), st.text("ab $&*![]{}:'\"\n\té\0", max_size=5)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["config", "init", "transitions", "files", "pipelines", "projects"]), VALUES))
@example({"config": {"unit": {"script": "x"}}, "transitions": [{"event": "retry"}]})
@example({"config": {"unit": {"trigger": {"include": "a.yml"}}}, "files": {"a.yml": {}}})
def test_any_value_gives_findings_or_a_report(value: object) -> None:
    """Whatever stands where in a scenario, the answer is a report or findings."""
    try:
        outcome: object = scenario.run(json.dumps(value), "s.yml").snapshots
    except InvalidInput as error:
        outcome = error.findings
    assert outcome
