"""When a rollout is done, what it waits for, and what will never get ready."""

from __future__ import annotations

from typing import Any

import pytest

from mcci.clients.kubernetes.api import Object
from mcci.delivery.deploy.rollout import judge

IMAGE = "registry.example.com/web@sha256:1"


def deployment(wanted: int | None = 2, image: str = IMAGE, generation: int = 3, **status: Any) -> Object:
    """A Deployment, rolled out unless `status` says otherwise."""
    good = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return {
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": good | status,
    }


def pod(image: str = IMAGE, *, ready: bool = False, deleted: bool = False, **container: Any) -> Object:
    """A pod with one container, whose status is as given."""
    metadata = {"name": "web-0"} | ({"deletionTimestamp": "now"} if deleted else {})
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {
        "metadata": metadata,
        "spec": {"containers": [{"image": image}]},
        "status": {"conditions": conditions, "containerStatuses": [{"name": "web"} | container]},
    }


def test_done() -> None:
    """A rollout is done when every pod is updated and available."""
    progress = judge(deployment(), [pod(ready=True), pod(ready=True)], IMAGE)
    assert progress.done
    assert (progress.ready, progress.wanted) == (2, 2)
    assert judge(deployment(None, replicas=1, updatedReplicas=1, availableReplicas=1), [], IMAGE).wanted == 1


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (None, "there is no Deployment yet"),
        (deployment(image="other"), "does not have the new image"),
        (deployment(generation=4), "not observed yet"),
        (deployment(updatedReplicas=1), "1 of 2 pods are made"),
        (deployment(replicas=3), "1 old pods still end"),
        (deployment(availableReplicas=1), "1 of 2 pods are available"),
    ],
)
def test_waits(found: Object | None, waits: str) -> None:
    """Until then it says what it waits for."""
    progress = judge(found, [], IMAGE)
    assert waits in progress.waits
    assert not progress.done
    assert progress.failure is None


@pytest.mark.parametrize(
    "reason", ["CrashLoopBackOff", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"]
)
def test_hopeless(reason: str) -> None:
    """What waiting does not mend is a failure at once, with the pod and the container."""
    broken = pod(state={"waiting": {"reason": reason, "message": "because"}})
    failure = judge(deployment(availableReplicas=0), [broken], IMAGE).failure
    assert failure
    assert (failure.reason, failure.pod, failure.container) == (f"{reason}: because", "web-0", "web")


def test_restarts() -> None:
    """A container that ended three times is a failure before the kubelet calls it a loop."""
    state = {"terminated": {"reason": "Error", "exitCode": 7}}
    broken = pod(restartCount=3, ready=False, lastState=state)
    failure = judge(deployment(availableReplicas=0), [broken], IMAGE).failure
    assert failure
    assert "restarted 3 times: Error with exit code 7" in failure.reason
    assert failure.restarted
    assert judge(deployment(availableReplicas=0), [pod(restartCount=1)], IMAGE).failure is None


def test_pods_of_others_do_not_count() -> None:
    """Pods of the image before, and pods that go, make no rollout fail."""
    waiting: dict[str, Any] = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    others = [pod("other", **waiting), pod(deleted=True, **waiting)]
    assert judge(deployment(availableReplicas=0), others, IMAGE).failure is None


def test_a_pull_that_is_tried_again() -> None:
    """One failed pull may pass: only the back-off counts."""
    once = pod(state={"waiting": {"reason": "ErrImagePull"}})
    assert judge(deployment(availableReplicas=0), [once], IMAGE).failure is None


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}, "no progress in time"),
        ({"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}, "exceeded quota"),
    ],
)
def test_deployment_that_fails(condition: dict[str, str], reason: str) -> None:
    """A Deployment without progress, or whose pods cannot be made, fails; its conditions of before do not count."""
    failure = judge(deployment(availableReplicas=0, conditions=[condition]), [], IMAGE).failure
    assert failure
    assert reason in failure.reason
    assert judge(deployment(generation=4, conditions=[condition]), [], IMAGE).failure is None
