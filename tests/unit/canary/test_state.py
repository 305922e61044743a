"""The canary's state survives its ConfigMap, and says what a deployment may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcci.canary import state as states
from mcci.canary import state_json
from mcci.canary.state import Action, Actor, Entry, Intent, Phase, State
from tests.unit.canary.objects import ANNA, NOW, V1, V2, V3

_times = st.integers(0, 10**9).map(lambda seconds: NOW + timedelta(milliseconds=seconds))
_versions = st.sampled_from([V1, V2, V3])
_weights = st.dictionaries(_versions, st.integers(0, 100))
_actors = st.builds(
    Actor,
    who=st.text(),
    pipeline=st.none() | st.integers(1),
    pipeline_url=st.text(max_size=5),
    job_url=st.text(max_size=5),
)
_intents = st.builds(
    Intent, action=st.sampled_from(Action), source=_weights, target=_weights, step=st.integers(0, 100), actor=_actors,
    at=_times, token=st.integers(0),
)  # fmt: skip
_entries = st.builds(
    Entry, action=st.sampled_from(Action), at=_times, actor=_actors, version=_versions, weights=_weights,
    skew=st.none() | st.floats(0, 9), forced=st.lists(st.text(max_size=3)).map(tuple),
    evidence=st.dictionaries(st.text(max_size=3), st.integers()),
)  # fmt: skip
_states = st.builds(
    State, service=st.just("staff-service"), stable=_versions, canary=st.just("") | _versions,
    phase=st.sampled_from(Phase), plan=st.lists(st.integers(1, 100), max_size=4).map(tuple), weights=_weights,
    actor=_actors, since=_times, keep_until=st.none() | _times, intent=st.none() | _intents,
    without=st.lists(st.text(max_size=3)).map(tuple), history=st.lists(_entries, max_size=3).map(tuple),
)  # fmt: skip


@given(_states)
def test_survives_its_config_map(state: State) -> None:
    """What is written is what is read."""
    written = state_json.config_map(state, "vehicles", 3, "prod-aws")
    assert state_json.read(written) == state
    assert written["metadata"]["annotations"] == {"mcci.io/token": "3", "mcci.io/leader": "prod-aws"}


def test_keeps_what_others_put_on_the_config_map() -> None:
    """Labels and annotations of others stay, and the resourceVersion is the one that was read."""
    state = states.first("staff-service", V1, "r1", ANNA, NOW)
    old = {"metadata": {"resourceVersion": "9", "labels": {"team": "x"}, "annotations": {"note": "y"}}}
    metadata = state_json.config_map(state, "vehicles", 4, "prod-aws", old)["metadata"]
    assert metadata["resourceVersion"] == "9"
    assert metadata["labels"]["team"] == "x"
    assert metadata["annotations"] == {"note": "y", "mcci.io/token": "4", "mcci.io/leader": "prod-aws"}


@pytest.mark.parametrize(
    "data", [None, {}, {"state": ""}, {"state": "[]"}, {"state": "null"}, {"state": '{"schema": "mcci.canary/9"}'},
             {"state": '{"schema": "mcci.canary/1", "service": 1}'}],
)  # fmt: skip
def test_names_a_damaged_config_map(data: object) -> None:
    """Whatever somebody put there, the error names the object, the cluster and the way out."""
    with pytest.raises(state_json.DamagedState, match="mcci-canary-x of prod-aws is not what mcci writes"):
        state_json.read({"metadata": {"name": "mcci-canary-x"}, "data": data}, "prod-aws")


def test_a_new_version_begins_at_zero() -> None:
    """A deployment puts the canary beside the stable version, with no traffic."""
    state = states.begun(states.first("s", V1, "r1", ANNA, NOW), V2, (10, 100), "r2", ANNA, NOW, replicas=3)
    assert (state.phase, state.weights, state.step, state.replicas) == (Phase.CANARY, {V1: 100, V2: 0}, 0, 3)
    assert [entry.action for entry in state.history] == [Action.BEGIN]


def test_deploying_the_same_again_begins_nothing() -> None:
    """A deployment that is run again leaves a canary where it is."""
    state = states.begun(states.first("s", V1, "r1", ANNA, NOW), V2, (10, 100), "r2", ANNA, NOW)
    moved = replace(state, weights={V1: 90, V2: 10}, step=10)
    again = states.begun(moved, V2, (10, 100), "r2", ANNA, NOW)
    assert (again.step, again.weights, len(again.history)) == (10, {V1: 90, V2: 10}, 1)
    assert states.begun(moved, V1, (10, 100), "r1", ANNA, NOW).canary == V2


def test_another_canary_waits_until_this_one_has_no_traffic() -> None:
    """A version that gets traffic is not replaced under its users' feet; one that was aborted is."""
    state = states.begun(states.first("s", V1, "r1", ANNA, NOW), V2, (10, 100), "r2", ANNA, NOW)
    with pytest.raises(ValueError, match="has weight 10"):
        states.begun(replace(state, weights={V1: 90, V2: 10}), V3, (10, 100), "r3", ANNA, NOW)
    aborted = replace(state, phase=Phase.ABORTED)
    assert states.begun(aborted, V3, (10, 100), "r3", ANNA, NOW).canary == V3
    assert states.begun(aborted, V2, (10, 100), "r3", ANNA, NOW).phase is Phase.CANARY


def test_what_must_stay_deployed() -> None:
    """The previous version stays for its window, and may be retired after it."""
    state = replace(
        states.first("s", V2, "r2", ANNA, NOW), previous=V1, keep_until=NOW + timedelta(hours=1)
    )  # fmt: skip
    assert states.wanted(state, NOW) == (V2, V1)
    assert states.wanted(state, NOW + timedelta(hours=1)) == (V2,)


def test_history_is_bounded() -> None:
    """Only the last entries are kept, so that the ConfigMap never outgrows what the API takes."""
    state = states.first("s", V1, "r1", ANNA, NOW)
    for step in range(60):
        entry = Entry(action=Action.STEP, at=NOW, actor=ANNA, version=V1, weights={V1: 100}, step=step)
        state = state.with_entry(entry)
    assert [state.history[0].step, len(state.history)] == [10, 50]
