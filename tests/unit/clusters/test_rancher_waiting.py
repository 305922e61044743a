"""Waiting for Rancher ends when it is done or the time is up, and says each thing once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mcci.clients.rancher import Rancher
from mcci.clusters.rancher import waiting
from mcci.clusters.rancher.waiting import Patience
from mcci.errors import ExitCode, McciError, ServiceFailed, UsageError
from tests.unit.clusters.clocks import FakeClock


class Script:
    """Stands in for Rancher: gives these objects, one after the other, the last one for ever."""

    def __init__(self, *found: dict[str, Any] | None) -> None:
        self.found = list(found)

    def cluster(self, _: str) -> dict[str, Any] | None:
        """Return the next."""
        return self.found.pop(0) if len(self.found) > 1 else self.found[0]


def wait(script: Script, seconds: float = 600) -> tuple[Any, list[str], float]:
    """Wait for an active cluster; return its state, what was said, and how long that took."""
    said: list[str] = []
    clock = FakeClock()
    patience = Patience(seconds=seconds, say=said.append, clock=clock)
    return waiting.active(cast("Rancher", script), "one", patience), said, clock.elapsed()


def cluster(status: str, message: str = "", **metadata: str) -> dict[str, Any]:
    """Return a cluster whose condition Ready is this."""
    ready = {"type": "Ready", "status": status, "message": message}
    return {"metadata": metadata, "spec": {}, "status": {"clusterName": "c-m-1", "conditions": [ready]}}


def test_says_each_thing_once() -> None:
    """What changes is said, what stays the same is not."""
    waits = [cluster("Unknown", "no agent")] * 30
    state, said, took = wait(Script(*waits, cluster("False", "starting"), cluster("True")))
    assert state.active
    assert said == ["one: not active: Ready: no agent", "one: not active: Ready: starting"]
    assert 60 < took < 150, "it is asked less often the longer it takes, and at least every five seconds"


def test_time_is_up() -> None:
    """At the end of the time the last reason is the error, with what to do; no sleep goes beyond it."""
    with pytest.raises(ServiceFailed, match=r"one: not active: Ready: no agent\. An active .* in 90 s\. Run the same"):
        wait(Script(cluster("Unknown", "no agent")), 90)
    clock = FakeClock()
    patience = Patience(seconds=7, say=lambda _: None, clock=clock)
    with pytest.raises(ServiceFailed) as caught:
        waiting.active(cast("Rancher", Script(cluster("Unknown"))), "one", patience)
    assert clock.elapsed() == pytest.approx(7)
    assert caught.value.exit_code == ExitCode.SERVICE_FAILED


def test_gone() -> None:
    """A cluster that somebody removes meanwhile is not waited for."""
    with pytest.raises(McciError, match="not in Rancher any more"):
        wait(Script(cluster("Unknown"), None))
    with pytest.raises(UsageError, match="is removing a cluster of this name"):
        wait(Script(cluster("Unknown"), cluster("True", deletionTimestamp="2026-01-01T00:00:00Z")))


def test_not_shown_yet() -> None:
    """A new cluster that Rancher does not show yet is waited for, for a while."""
    state, said, _ = wait(Script(None, None, None, cluster("True")))
    assert (state.active, said) == (True, ["one: not active: Rancher does not show it to this API key yet"])
    with pytest.raises(McciError, match="no longer for this API key"):
        wait(Script(None), 600)
