"""Recorded series, judged look by look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcci.canary.judge.recording import record
from mcci.canary.judge.replay import replay
from mcci.config.canary import Analysis
from mcci.errors import InvalidInput
from tests.unit.judge.parts import draw, look, rollout
from tests.unit.judge.test_observe import cluster

LOOK = {"canary": {"requests": 100, "errors": 1}, "stable": {"requests": 900, "errors": 9}}


def played(recording: object) -> list[str]:
    data = json.dumps(recording).encode()
    return [each.verdict.value for each in replay(data, file="series.json", analysis=Analysis())]


def recording(*looks: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"schema": "mcci.series/1", "weight": 10, "looks": list(looks), **keys}


def test_looks_are_judged_one_by_one() -> None:
    """Seven points at 100 % of errors against a flat 1 % fail at the second (spinnaker#6278 passed all ten)."""
    bad = {**LOOK, "canary": {"requests": 100, "errors": 100}}
    assert played(recording(*[bad] * 7, *[LOOK] * 3))[:2] == ["inconclusive", "fail"]


def test_almost_no_data_holds_and_sparse_data_that_is_plainly_worse_fails() -> None:
    """Three requests hold; 0 1 2 1 0 0 errors against none of ten times the requests fail (kayenta#426 passed them)."""
    assert played(recording({"canary": {"requests": 3}, "stable": {"requests": 27}})) == ["inconclusive"]
    sparse = [{"canary": {"requests": 20, "errors": each}, "stable": {"requests": 180}} for each in (0, 1, 2, 1, 0, 0)]
    assert "fail" in played(recording(*sparse))


def test_what_was_recorded_is_judged_as_it_was() -> None:
    """A recording of live looks, durations and pods in it, comes to the same evidence."""
    import random

    rng = random.Random(1)
    looks = [
        look(number, draw(rng, 20, 0.02, slow=1), draw(rng, 60, 0.02, slow=1), pods=[draw(rng, 30, 0.02, slow=1)] * 2)
        for number in range(5)
    ]
    data = json.dumps(record(looks, weight=25)).encode()
    replayed = replay(data, file="series.json", analysis=Analysis())
    assert [each.evidence for each in replayed] == [each.evidence for each in rollout(looks, weight=25)]


def test_yaml_is_read_too_with_queries_and_troubles() -> None:
    """A recording may be written by hand, and holds whatever can fail a canary."""
    text = """
schema: mcci.series/1
looks:
  - {canary: {requests: 200}, stable: {requests: 200}, queries: {carts: -1}}
  - {canary: {requests: 200}, stable: {requests: 200}, troubles: [pod x restarted]}
"""
    judgements = replay(text.encode(), file="series.yml", analysis=Analysis(queries={"carts": "…"}))
    assert [each.text()[0] for each in judgements] == [
        "pass: 0 % of the canary's 200 requests failed, and 0 % of stable's 200",
        "fail: pod x restarted",
    ]


def test_what_prometheus_answered_can_be_judged() -> None:
    """The result of a range selector is judged like a live Prometheus: ten looks of ten seconds."""
    result = [
        {"metric": dict(one.labels), "values": [[time, str(value)] for time, value in one.samples]}
        for one in cluster().series
    ]
    told = {
        "schema": "mcci.series/1",
        "weight": 50,
        "versions": {"canary": "v2", "stable": "v1"},
        "since": 0,
        "series": {"aws": {"status": "success", "data": {"resultType": "matrix", "result": result}}},
    }
    judgements = replay(json.dumps(told).encode(), file="series.json", analysis=Analysis())
    assert [each.canary.requests for each in judgements] == [20 * number for number in range(1, 11)]
    assert judgements[-1].verdict.value == "fail"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({**recording(LOOK), "schema": "other/1"}, "series.json:1:2: the schema is 'other/1'. Use 'mcci.series/1'."),
        ({"schema": "mcci.series/1"}, "there must be either 'looks' or 'series' to judge."),
        (recording({"canary": {"requests": 1}}), "the key 'stable' is missing"),
        (recording({**LOOK, "canary": {"requests": 1, "errors": 2}}), "2 of 1 requests cannot have failed."),
        (recording({**LOOK, "canary": {"requests": -1}}), "requests"),
        (recording({**LOOK, "canary": {"requests": "many"}}), "requests"),
        (recording({**LOOK, "start": 60}, {**LOOK, "start": 90}), "the one before ended at 120"),
        (recording({**LOOK, "seconds": 0}), "for 0 s"),
        (recording({**LOOK, "canary": {"requests": 9, "slower": {"fast": 1}}}), "'fast' is no bound."),
        (recording({**LOOK, "canary": {"requests": 9, "slower": {"10": 1, "50": 2}}}), "more requests are slower"),
        (recording({**LOOK, "canary": {"requests": 9, "slower": {"10": 10}}}), "more requests are slower"),
        ({"schema": "mcci.series/1", "series": {"aws": []}}, "do not say which version is the canary."),
        ({"schema": "mcci.series/1", "series": {"aws": []}, "versions": {"canary": "a", "stable": "b"}}, "no samples."),
        (
            {"schema": "mcci.series/1", "series": {"aws": [{"values": 1}]}, "versions": {"canary": "a", "stable": "b"}},
            "a series is not as Prometheus gives it",
        ),
        (
            {"schema": "mcci.series/1", "series": {"aws": 7}, "versions": {"canary": "a", "stable": "b"}},
            "each cluster's series must be a list.",
        ),
    ],
)
def test_what_is_no_recording_is_refused_with_its_place(told: object, said: str) -> None:
    """Every mistake ends in a finding with file, line and column, and no traceback."""
    with pytest.raises(InvalidInput) as refused:
        played(told)
    assert said in str(refused.value)
    assert str(refused.value).startswith("series.json:1:")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"[1, 2", b"- 1"])
def test_what_is_no_yaml_is_refused(data: bytes) -> None:
    """Bytes of any kind are refused in the same way."""
    with pytest.raises(InvalidInput, match=r"^series\.json:"):
        replay(data, file="series.json", analysis=Analysis())
