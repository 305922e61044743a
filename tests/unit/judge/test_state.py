"""The judge's memory: what goes through JSON and comes back, and that no look counts twice."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from mcci.canary.judge import BadState, Counts, Evidence, State, Verdict, judge
from mcci.config.canary import Analysis
from tests.unit.judge.parts import draw, look, rollout


def looks(seed: int, count: int, errors: float) -> list[Any]:
    """Looks with durations and with stable's pods."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        pods = [draw(rng, 20, 0.02, slow=1) for _ in range(3)]
        stable = sum(pods, Counts())
        found.append(look(number, draw(rng, 20, errors, slow=1), stable, pods=pods))
    return found


def test_a_state_survives_json() -> None:
    """What is written is read back as it was, after a rollout that used every part of it."""
    state = rollout(looks(1, 20, 0.02))[-1].state
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_the_next_job_goes_on_where_the_last_one_stopped() -> None:
    """A rollout whose state went through JSON after every look ends with the same evidence as one in a single go."""
    every = looks(2, 20, 0.02)
    state = State.start(at=0.0)
    for one in every:
        state = State.from_json(
            json.loads(json.dumps(judge(state, Evidence(looks=(one,)), Analysis()).state.to_json()))
        )
    at_once = judge(State.start(at=0.0), Evidence(looks=tuple(every)), Analysis())
    assert judge(state, Evidence(), Analysis()).evidence == pytest.approx(at_once.evidence)


def test_a_look_counts_once() -> None:
    """A look that was judged before changes nothing when it comes again."""
    one = looks(3, 1, 0.5)[0]
    first = judge(State.start(at=0.0), Evidence(looks=(one,)), Analysis())
    again = judge(first.state, Evidence(looks=(one,)), Analysis())
    assert (again.state, again.evidence) == (first.state, first.evidence)


def test_a_new_step_keeps_the_evidence_and_counts_requests_anew() -> None:
    """After the weights changed the minimum of requests must be had again, and what was proved before is not lost."""
    before = rollout([look(0, Counts(requests=100, errors=4), Counts(requests=900, errors=9))])[-1]
    state = before.state.next_step(at=50.0)
    overlapping = look(4, Counts(requests=100, errors=100), Counts(requests=900))
    after = judge(state, Evidence(looks=(overlapping,)), Analysis())
    assert after.verdict is Verdict.INCONCLUSIVE
    assert after.evidence == before.evidence > 1
    assert after.canary.requests == 0


def test_false_alarms_are_what_the_first_judgement_was_told() -> None:
    """A looser `false_alarm` in the middle of a rollout does not change what decides."""
    first = judge(State.start(at=0.0), Evidence(looks=tuple(looks(4, 1, 0.0))), Analysis(false_alarm=1))
    later = judge(first.state, Evidence(), Analysis(false_alarm=50))
    assert later.decides_at == first.decides_at == 100


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "mcci.judge/9"},
        {"wealths": {"errors": [float("nan"), 1.0]}},
        {"wealths": {"errors": [0.0, 0.5, 0.1]}},
        {"wealths": []},
        {"total": [[-1, 0, 0, []], [0, 0, 0, []], 0]},
        {"until": {"prod": "yesterday"}},
        {"started": True},
    ],
)
def test_what_is_no_state_is_refused(change: dict[str, Any]) -> None:
    """Anything that mcci did not write ends in an error that says what to do, not in a wrong verdict."""
    data = {**rollout(looks(5, 2, 0.0))[-1].state.to_json(), **change}
    with pytest.raises(BadState, match="Abort the canary"):
        State.from_json(data)


@pytest.mark.parametrize("data", [None, [], "state", {}])
def test_other_json_is_refused(data: object) -> None:
    """Values of another kind are refused, too."""
    with pytest.raises(BadState):
        State.from_json(data)
