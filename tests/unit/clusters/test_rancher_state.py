"""What Rancher says of a cluster becomes one answer: active, or why not."""

from __future__ import annotations

from typing import Any

import pytest

from mcci.clusters.rancher.state import State, read


def cluster(made: bool = False, removed: bool = False, ready: bool = True, **conditions: str) -> dict[str, Any]:
    """Return a Cluster with conditions, as `Type="Status"` or `Type="Status: message"`."""
    listed = []
    for name, text in conditions.items():
        status, _, message = text.partition(": ")
        listed.append({"type": name, "status": status, "message": message})
    return {
        "metadata": {"name": "x", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if removed else {})},
        "spec": {"rkeConfig": {"machinePools": []}} if made else {},
        "status": {"clusterName": "c-m-abc", "ready": ready, "conditions": listed},
    }


@pytest.mark.parametrize(
    ("found", "active", "says"),
    [
        # Rancher 2.14: an imported cluster that works has no Provisioned of its own
        (cluster(Created="True", Ready="True", Connected="True"), True, "active"),
        (cluster(Ready="True", Connected="True", Provisioned="Unknown: Waiting"), True, "active"),
        (cluster(Ready="True", Connected="False: agent is gone"), False, "not active: Connected: agent is gone"),
        (cluster(Ready="Unknown"), False, "not active: Rancher does not say why"),
        (
            cluster(Pending="False: Waiting for API to be available"),
            False,
            "not active: Pending: Waiting for API to be available",
        ),
        (cluster(made=True, Ready="True", Provisioned="True", Updated="True", Connected="True"), True, "active"),
        (
            cluster(made=True, Ready="True", Provisioned="Unknown: waiting for infrastructure", Updated="True"),
            False,
            "not active: Provisioned: waiting for infrastructure",
        ),
        (
            cluster(made=True, Ready="False: no\n  machines ", Provisioned="False: no machines"),
            False,
            "not active: Provisioned: no machines",
        ),
        (
            cluster(made=True, Ready="True", Stalled="True: bad credential"),
            False,
            "not active: Stalled: bad credential",
        ),
        (cluster(removed=True, Ready="True"), False, "being removed"),
        # `status.ready` stays true once it was
        (cluster(ready=True, Ready="False: unreachable"), False, "not active: Ready: unreachable"),
    ],
)
def test_states(found: dict[str, Any], active: bool, says: str) -> None:
    """The conditions count, each reason is said once, in the order of what has to happen first."""
    state = read(found)
    assert (state.active, str(state), state.id) == (active, says, "c-m-abc")


@pytest.mark.parametrize("rubbish", [{}, {"status": None}, {"status": []}, {"status": {"conditions": [None, {}, 7]}}])
def test_rubbish(rubbish: dict[str, Any]) -> None:
    """A Cluster without a status, or with one that is none, is not active, and has no id yet."""
    assert read(rubbish) == State(messages=("Rancher does not say why",))
