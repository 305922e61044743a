"""The controllers on a store, step by step, with a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcci.lab.clusters.controllers import conditions, deployments, events, jobs, namespaces, replica_sets, services
from mcci.lab.clusters.controllers.context import Context
from mcci.lab.clusters.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINTS,
    EVENTS,
    JOBS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from mcci.lab.clusters.store import Store, timestamp

Object = dict[str, Any]
SPACE = "shop"


class Cluster:
    """A store, its controllers' context, and the time."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.store = Store(clock=lambda: self.time)
        self.context = Context(store=self.store, now=lambda: self.time)
        metadata = {"name": "default", "namespace": SPACE}
        self.store.create(SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    def settle(self) -> list[float]:
        """Let the controllers work until nothing changes; return when they want to look again."""
        while True:
            before = self.store.revision
            waits = []
            for resource, module in ((DEPLOYMENTS, deployments), (REPLICA_SETS, replica_sets), (JOBS, jobs)):
                for each in self.store.list(resource, SPACE):
                    wait = module.reconcile(self.context, each)
                    waits += [wait] if wait is not None else []
            if self.store.revision == before:
                return waits

    def set_pods(self, *, ready: bool, names: list[str] | None = None) -> None:
        """Let the pods be ready, or not."""

        def edit(body: Object) -> None:
            conditions.set_condition(body["status"], "Ready", ready, "", "", self.time)
            body["status"] |= {"phase": "Running", "podIP": "127.64.0.9"}

        for pod in self.store.list(PODS, SPACE):
            if names is None or pod["metadata"]["name"] in names:
                self.store.change(PODS, pod["metadata"]["name"], SPACE, edit)

    def deploy(self, **spec: Any) -> None:
        """Make the Deployment `web`."""
        labels = {"app": "web"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "one"}]}}
        body = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template, **spec}
        metadata = {"name": "web", "namespace": SPACE}
        self.store.create(
            DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": body}
        )

    @property
    def deployment(self) -> Object:
        """The Deployment `web`."""
        found = self.store.get(DEPLOYMENTS, "web", SPACE)
        assert found
        return found

    def progress(self) -> str:
        """Return the reason of its condition Progressing."""
        return str((conditions.find(self.deployment, "Progressing") or {}).get("reason"))


@pytest.fixture
def cluster() -> Cluster:
    """Return an empty cluster."""
    return Cluster()


def test_ready_long_enough(cluster: Cluster) -> None:
    """A pod is available once it was ready for minReadySeconds, and the Deployment done then."""
    cluster.deploy(minReadySeconds=5)
    cluster.settle()
    cluster.set_pods(ready=True)
    waits = cluster.settle()
    assert cluster.deployment["status"]["readyReplicas"] == 2
    assert "availableReplicas" not in cluster.deployment["status"]
    assert min(waits) == pytest.approx(5, abs=0.1)
    cluster.later(5)
    cluster.settle()
    assert cluster.deployment["status"]["availableReplicas"] == 2
    assert cluster.progress() == "NewReplicaSetAvailable"


def test_deadline(cluster: Cluster) -> None:
    """Without progress for progressDeadlineSeconds the rollout has failed; with progress the time begins anew."""
    cluster.deploy(progressDeadlineSeconds=60)
    cluster.settle()
    cluster.later(50)
    first = cluster.store.list(PODS, SPACE)[0]["metadata"]["name"]
    cluster.set_pods(ready=True, names=[first])
    cluster.settle()
    cluster.later(50)
    cluster.settle()
    assert cluster.progress() == "ReplicaSetUpdated"
    cluster.later(11)
    cluster.settle()
    assert cluster.progress() == "ProgressDeadlineExceeded"
    cluster.set_pods(ready=True)
    cluster.settle()
    assert cluster.progress() == "NewReplicaSetAvailable"


def test_pods_that_fail_later(cluster: Cluster) -> None:
    """Pods that stop being ready after the rollout make the Deployment unavailable, and no failed rollout."""
    cluster.deploy(progressDeadlineSeconds=60)
    cluster.settle()
    cluster.set_pods(ready=True)
    cluster.settle()
    cluster.set_pods(ready=False)
    cluster.settle()
    cluster.later(120)
    cluster.settle()
    assert cluster.progress() == "NewReplicaSetAvailable"
    assert (conditions.find(cluster.deployment, "Available") or {})["status"] == "False"


def test_pod_deleted_by_hand(cluster: Cluster) -> None:
    """A pod that goes is replaced by another one, and nothing is rolled out."""
    cluster.deploy()
    cluster.settle()
    gone = cluster.store.list(PODS, SPACE)[0]["metadata"]["name"]
    cluster.store.delete(PODS, gone, SPACE, grace_seconds=0)
    cluster.settle()
    names = [each["metadata"]["name"] for each in cluster.store.list(PODS, SPACE)]
    assert len(names) == 2
    assert gone not in names
    assert len(cluster.store.list(REPLICA_SETS, SPACE)) == 1


def _job(cluster: Cluster, **spec: Any) -> None:
    template = {"metadata": {}, "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "one"}]}}
    body = {"template": template, **spec}
    metadata = {"name": "once", "namespace": SPACE}
    cluster.store.create(JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": body})


def _end_pods(cluster: Cluster, phase: str) -> None:
    ended = {"terminated": {"exitCode": 0, "finishedAt": timestamp(cluster.time)}}
    status = {"phase": phase, "containerStatuses": [{"state": ended}]}
    for pod in cluster.store.list(PODS, SPACE):
        if pod["status"].get("phase") not in ("Succeeded", "Failed"):
            cluster.store.change(PODS, pod["metadata"]["name"], SPACE, lambda body: body["status"].update(status))


def test_job_is_tried_again_slower_each_time(cluster: Cluster) -> None:
    """A failed pod is followed by another one after 10 s, then 20 s; beyond backoffLimit the Job has failed."""
    _job(cluster, backoffLimit=2)
    cluster.settle()
    for number, pause in ((1, 10), (2, 20)):
        _end_pods(cluster, "Failed")
        waits = cluster.settle()
        assert len(cluster.store.list(PODS, SPACE)) == number
        assert min(waits) == pytest.approx(pause, abs=0.1)
        cluster.later(pause)
        cluster.settle()
        assert len(cluster.store.list(PODS, SPACE)) == number + 1
    _end_pods(cluster, "Failed")
    cluster.settle()
    found = cluster.store.get(JOBS, "once", SPACE)
    assert found
    assert (conditions.find(found, "Failed") or {})["reason"] == "BackoffLimitExceeded"
    assert found["status"]["failed"] == 3


def test_job_with_several_completions(cluster: Cluster) -> None:
    """As many pods run at once as `parallelism` allows, until as many have succeeded as `completions` wants."""
    _job(cluster, completions=3, parallelism=2)
    cluster.settle()
    assert len(cluster.store.list(PODS, SPACE)) == 2
    _end_pods(cluster, "Succeeded")
    cluster.settle()
    assert len(cluster.store.list(PODS, SPACE)) == 3
    _end_pods(cluster, "Succeeded")
    cluster.settle()
    found = cluster.store.get(JOBS, "once", SPACE)
    assert found
    assert conditions.is_true(found, "Complete")


def test_job_forgotten(cluster: Cluster) -> None:
    """A Job that has ended goes, with its pods, after ttlSecondsAfterFinished."""
    _job(cluster, ttlSecondsAfterFinished=30)
    cluster.settle()
    _end_pods(cluster, "Succeeded")
    assert min(cluster.settle()) == pytest.approx(30, abs=0.1)
    cluster.later(30)
    cluster.settle()
    assert cluster.store.list(JOBS, SPACE) == []
    assert cluster.store.list(PODS, SPACE) == []


def test_events_are_counted(cluster: Cluster) -> None:
    """The same event about the same object is one that is counted up."""
    cluster.deploy()
    for _ in range(3):
        cluster.context.event(DEPLOYMENTS, cluster.deployment, "Odd", "it is odd", component="test")
        cluster.later(1)
    (event,) = cluster.store.list(EVENTS, SPACE)
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        3,
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:02Z",
    )


def test_events_are_forgotten(cluster: Cluster) -> None:
    """An event goes an hour after it last happened."""
    cluster.deploy()
    cluster.context.event(DEPLOYMENTS, cluster.deployment, "Odd", "it is odd", component="test")
    (event,) = cluster.store.list(EVENTS, SPACE)
    cluster.later(3599)
    assert events.reconcile(cluster.context, event) == pytest.approx(1)
    cluster.later(1)
    assert events.reconcile(cluster.context, event) is None
    assert cluster.store.list(EVENTS, SPACE) == []


def test_endpoints_without_the_leaving(cluster: Cluster) -> None:
    """A pod that is being deleted gets no more traffic, ready or not."""
    cluster.deploy()
    cluster.settle()
    cluster.set_pods(ready=True)
    port = {"name": "http", "port": 80, "targetPort": 8080}
    spec = {"selector": {"app": "web"}, "ports": [port]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": SPACE}, "spec": spec}
    made = cluster.store.create(SERVICES, body)
    services.reconcile(cluster.context, made)
    leaving = cluster.store.list(PODS, SPACE)[0]["metadata"]["name"]
    cluster.store.change(PODS, leaving, SPACE, lambda pod: pod["spec"].update(nodeName="lab"))
    cluster.store.delete(PODS, leaving, SPACE, grace_seconds=30)
    cluster.set_pods(ready=False, names=[leaving])
    services.reconcile(cluster.context, made)
    found = cluster.store.get(ENDPOINTS, "web", SPACE)
    assert found
    (subset,) = found["subsets"]
    assert [each["targetRef"]["name"] for each in subset["addresses"]] != [leaving]
    assert "notReadyAddresses" not in subset


def test_namespace_goes_last(cluster: Cluster) -> None:
    """A namespace that is deleted waits for what still has a finalizer."""
    metadata = {"name": SPACE}
    spec = {"finalizers": ["kubernetes"]}
    cluster.store.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "spec": spec})
    held = {"name": "held", "namespace": SPACE, "finalizers": ["example.com/hold"]}
    cluster.store.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    cluster.deploy()
    cluster.store.delete(NAMESPACES, SPACE)
    for _ in range(2):
        namespace = cluster.store.get(NAMESPACES, SPACE)
        assert namespace
        assert namespaces.reconcile(cluster.context, namespace) is not None
    assert cluster.store.list(DEPLOYMENTS, SPACE) == []
    cluster.store.change(CONFIG_MAPS, "held", SPACE, lambda body: body["metadata"].update(finalizers=[]))
    assert namespace
    namespaces.reconcile(cluster.context, namespace)
    assert cluster.store.get(NAMESPACES, SPACE) is None
