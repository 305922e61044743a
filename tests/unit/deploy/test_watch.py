"""What a deploy tells while it waits: pods that get ready, warnings, the log of a container that fails."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from mcci.clients.kubernetes.api import DEPLOYMENT, EVENT, POD, Unreachable
from mcci.delivery.deploy.watch import Cancelled, RolloutFailed, Rollouts, TimedOut
from tests.unit.clusters.fake_api import FakeApi, Fault, State
from tests.unit.deploy.test_rollout import IMAGE, deployment, pod

LABELS = {"app": "web", "version": "v1"}


class Waiting:
    """One wait for the Deployment `web`, on a cluster in memory."""

    def __init__(self) -> None:
        self.api = FakeApi("one", State())
        self.said: list[str] = []
        self.cancelled = threading.Event()
        self.rollouts = Rollouts(self.api, "fleet", self.said.append, self.cancelled)

    def put(self, found: Any, container: Any = None) -> None:
        """Let there be this Deployment, and a pod of its."""
        found["metadata"] |= {"namespace": "fleet"}
        self.api.put(DEPLOYMENT, found)
        if container is not None:
            container["metadata"] |= {"namespace": "fleet", "labels": LABELS}
            self.api.put(POD, container)

    def wait(self, seconds: float = 3.0, generation: int = 0) -> None:
        """Wait for it."""
        try:
            deadline = time.monotonic() + seconds
            self.rollouts.wait("web", IMAGE, LABELS, deadline, generation=generation)
        finally:
            self.rollouts.close()


@pytest.fixture
def waiting() -> Waiting:
    """A wait on an empty cluster."""
    return Waiting()


def test_ready(waiting: Waiting) -> None:
    """A rollout that gets done while it is waited for is told, and nothing is raised."""
    waiting.put(deployment(wanted=2) | {"status": {}})
    timer = threading.Timer(0.3, lambda: waiting.put(done()))
    timer.start()
    waiting.wait()
    timer.join()
    assert waiting.said[-1] == "web: ready"
    assert "web: 0/2 ready" in waiting.said[0]


def done() -> Any:
    """The Deployment, rolled out whatever its generation."""
    return deployment(observedGeneration=99)


def test_failure_with_its_log(waiting: Waiting) -> None:
    """A container that fails ends the wait at once, and its last words are told."""
    waiting.api.state.logs["fleet", "web-0"] = "first\nno database\n"
    broken = pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=1)
    waiting.put(deployment(observedGeneration=99, availableReplicas=0), broken)
    begun = time.monotonic()
    with pytest.raises(
        RolloutFailed, match=r"one: web does not get ready: CrashLoopBackOff \(pod web-0, container web\)"
    ):
        waiting.wait(30)
    assert time.monotonic() - begun < 5
    assert waiting.said[-3:] == ["    log of web-0:", "    first", "    no database"]


def test_warnings(waiting: Waiting) -> None:
    """A warning of the cluster is told once."""
    event = {
        "metadata": {"name": "e", "namespace": "fleet"}, "type": "Warning", "reason": "FailedScheduling",
        "message": "0/3 nodes are available", "involvedObject": {"kind": "Pod", "name": "web-0"},
        "lastTimestamp": "2999-01-01T00:00:00Z",
    }  # fmt: skip
    waiting.api.put(EVENT, event)
    waiting.put(deployment(wanted=2) | {"status": {}})
    with pytest.raises(TimedOut, match="did not get ready in time: the change is not observed yet"):
        waiting.wait(0.5)
    assert waiting.said.count("Pod web-0: FailedScheduling: 0/3 nodes are available") == 1


def test_what_was_heard_before_does_not_count(waiting: Waiting) -> None:
    """A Deployment as it was before the upgrade is not taken for its result."""
    waiting.put(done())
    with pytest.raises(TimedOut):
        waiting.wait(0.4, generation=7)


def test_cancelled(waiting: Waiting) -> None:
    """When something else fails the wait ends."""
    waiting.cancelled.set()
    with pytest.raises(Cancelled):
        waiting.wait()


def test_cluster_that_does_not_answer(waiting: Waiting) -> None:
    """A watch that cannot reach the cluster is begun again."""
    waiting.api.script.faults.append(Fault(error=Unreachable("gone"), verb="watch", kind="Deployment"))
    waiting.put(done())
    waiting.wait(5)
    assert any("does not answer" in line for line in waiting.said)
    assert waiting.said[-1] == "web: ready"
