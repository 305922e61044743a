"""Pods: ready, broken, with init containers, their logs, and how they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import eventually, good
from tests.contract.objects import IMAGE, condition, deployment, pod
from tests.contract.workloads import (
    apps,
    available,
    core,
    events_of,
    pods_of,
    reasons_of,
)

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]
fake_pods = pytest.mark.fake_pods


@fake_pods
def test_ready_pod(cluster: Cluster, namespace: str) -> None:
    """A ready pod runs on a node, has an address, its conditions hold, and its image's digest is told."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1)))
    available(cluster, namespace, "web", 1)
    (found,) = pods_of(cluster, namespace, "web")
    told = found["status"]
    assert (told["phase"], bool(told["podIP"]), bool(found["spec"]["nodeName"])) == ("Running", True, True)
    for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready"):
        assert condition(found, kind)["status"] == "True", kind
    (container,) = told["containerStatuses"]
    assert (container["name"], container["ready"], container["restartCount"]) == ("main", True, 0)
    assert container["imageID"].endswith(IMAGE.partition("@")[2])
    assert "startedAt" in container["state"]["running"]
    reasons = eventually(lambda: reasons_of(cluster, namespace, found, "Started"), "the pod's events")
    assert {"Pulling", "Pulled", "Created", "Started"} <= reasons


@fake_pods
@pytest.mark.parametrize(
    ("fake", "reason", "event"),
    [("crashes", "CrashLoopBackOff", "BackOff"), ("pull-fails", "ImagePullBackOff", "Failed")],
)
def test_broken_pod(cluster: Cluster, namespace: str, fake: str, reason: str, event: str) -> None:
    """A container that crashes, or whose image cannot be pulled, waits with the reason, and there is an event."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1, fake=fake)))

    def waiting() -> Object | None:
        for each in pods_of(cluster, namespace, "web"):
            for container in each["status"].get("containerStatuses") or ():
                if container["state"].get("waiting", {}).get("reason") == reason:
                    return each
        return None

    found = eventually(waiting, f"a pod that waits for {reason}")
    events = eventually(lambda: events_of(cluster, namespace, found, event), "its event")
    assert events[0]["type"] == "Warning" or fake == "pull-fails"
    assert events[0]["involvedObject"]["fieldPath"] == "spec.containers{main}"
    if fake == "crashes":
        (container,) = found["status"]["containerStatuses"]
        assert container["restartCount"] >= 1
        assert container["lastState"]["terminated"]["exitCode"] == 1


@fake_pods
def test_logs(cluster: Cluster, namespace: str) -> None:
    """A container's log is plain text; `tailLines` takes its end; another container's name is refused."""
    good(cluster.admin.post(core(namespace, "pods"), pod("web")))
    path = core(namespace, "pods", "web")
    eventually(lambda: condition(good(cluster.admin.get(path)), "Ready").get("status") == "True", "the pod")
    reply = cluster.admin.get(f"{path}/log")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert f"{namespace}/web" in reply.text
    assert cluster.admin.get(f"{path}/log", tailLines="0").text == ""
    assert cluster.admin.get(f"{path}/log", container="none").status_code == 400


@fake_pods
def test_previous_logs(cluster: Cluster, namespace: str) -> None:
    """The log of a container's run before this one can be read."""
    good(cluster.admin.post(core(namespace, "pods"), pod("web", fake="crashes")))
    path = core(namespace, "pods", "web")

    def restarted() -> bool:
        statuses = good(cluster.admin.get(path))["status"].get("containerStatuses") or [{}]
        return bool(statuses[0].get("restartCount"))

    eventually(restarted, "a restart")
    assert f"{namespace}/web" in cluster.admin.get(f"{path}/log", previous="true").text


@fake_pods
def test_init_container(cluster: Cluster, namespace: str) -> None:
    """A pod's init containers end before its others start."""
    first = {"name": "first", "image": IMAGE}
    good(cluster.admin.post(core(namespace, "pods"), pod("web", initContainers=[first])))
    path = core(namespace, "pods", "web")
    eventually(lambda: condition(good(cluster.admin.get(path)), "Ready").get("status") == "True", "the pod")
    (ended,) = good(cluster.admin.get(path))["status"]["initContainerStatuses"]
    assert (ended["name"], ended["state"]["terminated"]["reason"]) == ("first", "Completed")


@fake_pods
def test_init_container_fails(cluster: Cluster, namespace: str) -> None:
    """A pod that is not tried again has failed when an init container has, and its others never start."""
    first = {"name": "first", "image": IMAGE}
    body = pod("web", fake="exits=2", restartPolicy="Never", initContainers=[first])
    good(cluster.admin.post(core(namespace, "pods"), body))
    path = core(namespace, "pods", "web")
    eventually(lambda: good(cluster.admin.get(path))["status"].get("phase") == "Failed", "the pod to fail")
    told = good(cluster.admin.get(path))["status"]
    assert told["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 2
    assert "waiting" in told["containerStatuses"][0]["state"]


@fake_pods
def test_pod_deletion(cluster: Cluster, namespace: str) -> None:
    """A pod on a node is marked with its grace period, and goes once it has ended."""
    good(cluster.admin.post(core(namespace, "pods"), pod("web")))
    path = core(namespace, "pods", "web")
    eventually(lambda: condition(good(cluster.admin.get(path)), "Ready").get("status") == "True", "the pod")
    marked = good(cluster.admin.delete(path))
    assert marked["kind"] == "Pod"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    eventually(lambda: cluster.admin.get(path).status_code == 404, "the pod to go")
