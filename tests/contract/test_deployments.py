"""Deployments: ReplicaSets and pods, rollouts, what fails, scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import MERGE, eventually, good
from tests.contract.objects import IMAGE, OTHER_IMAGE, condition, deployment
from tests.contract.workloads import (
    apps,
    available,
    pods_of,
    progress,
    reasons_of,
)

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]
fake_pods = pytest.mark.fake_pods


@fake_pods
def test_deployment_to_ready(cluster: Cluster, namespace: str) -> None:
    """A Deployment makes a ReplicaSet, that makes pods, those get ready; each is owned by the one before."""
    made = good(cluster.admin.post(apps(namespace, "deployments"), deployment("web")))
    done = available(cluster, namespace, "web", 2)
    assert (condition(done, "Available")["status"], condition(done, "Available")["reason"]) == (
        "True",
        "MinimumReplicasAvailable",
    )
    progressing = eventually(
        lambda: progress(cluster, namespace, "web", "NewReplicaSetAvailable"), "the end of the rollout"
    )
    assert progressing["status"] == "True"
    (replica_set,) = good(cluster.admin.get(apps(namespace, "replicasets")))["items"]
    (owner,) = replica_set["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Deployment", made["metadata"]["uid"], True)
    mark = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{mark}"
    assert replica_set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    pods = pods_of(cluster, namespace, "web")
    assert len(pods) == 2
    for each in pods:
        assert each["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert each["metadata"]["labels"] == {"app": "web", "pod-template-hash": mark}
        assert each["metadata"]["name"].startswith(f"web-{mark}-")


@fake_pods
def test_rollout(cluster: Cluster, namespace: str) -> None:
    """A new template gets a ReplicaSet of its own, with the next revision; the old one stays, empty."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=3)))
    available(cluster, namespace, "web", 3)
    containers = [{"name": "main", "image": OTHER_IMAGE}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    strategic = "application/strategic-merge-patch+json"
    good(cluster.admin.patch(apps(namespace, "deployments", "web"), strategic, patch))
    done = available(cluster, namespace, "web", 3)
    assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    sets = good(cluster.admin.get(apps(namespace, "replicasets")))["items"]
    by_revision = {each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each for each in sets}
    assert {key: each["spec"]["replicas"] for key, each in by_revision.items()} == {"1": 0, "2": 3}

    def only_new() -> bool:
        images = [each["spec"]["containers"][0]["image"] for each in pods_of(cluster, namespace, "web")]
        return images == [OTHER_IMAGE] * 3

    eventually(only_new, "the old pods to go")


@fake_pods
def test_rollback_to_an_old_template(cluster: Cluster, namespace: str) -> None:
    """A template that was there before gets its old ReplicaSet back, with a new revision."""
    first = deployment("web", replicas=1)
    good(cluster.admin.post(apps(namespace, "deployments"), first))
    available(cluster, namespace, "web", 1)
    (old,) = good(cluster.admin.get(apps(namespace, "replicasets")))["items"]
    for image in (OTHER_IMAGE, IMAGE):
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        good(cluster.admin.patch(apps(namespace, "deployments", "web"), "application/json-patch+json", patch))
        available(cluster, namespace, "web", 1)
    sets = good(cluster.admin.get(apps(namespace, "replicasets")))["items"]
    assert len(sets) == 2
    again = next(each for each in sets if each["metadata"]["uid"] == old["metadata"]["uid"])
    assert again["spec"]["replicas"] == 1
    assert again["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


@fake_pods
def test_never_ready(cluster: Cluster, namespace: str) -> None:
    """A new version that gets never ready leaves the old pods serving, and misses its progress deadline."""
    body = deployment("web", replicas=2, progressDeadlineSeconds=2)
    body["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    good(cluster.admin.post(apps(namespace, "deployments"), body))
    available(cluster, namespace, "web", 2)
    broken = {"spec": {"template": {"metadata": {"annotations": {"lab.mcci.io/fake": "never-ready"}}}}}
    good(cluster.admin.patch(apps(namespace, "deployments", "web"), MERGE, broken))
    late = eventually(lambda: progress(cluster, namespace, "web", "ProgressDeadlineExceeded"), "the deadline")
    assert (late["status"], late["type"]) == ("False", "Progressing")
    found = good(cluster.admin.get(apps(namespace, "deployments", "web")))
    assert (found["status"]["availableReplicas"], found["status"]["updatedReplicas"]) == (2, 1)
    assert condition(found, "Available")["status"] == "True"
    unready = [each for each in pods_of(cluster, namespace, "web") if condition(each, "Ready")["status"] == "False"]
    assert len(unready) == 1
    assert condition(unready[0], "Ready")["reason"] == "ContainersNotReady"
    reasons = eventually(lambda: reasons_of(cluster, namespace, unready[0], "Unhealthy"), "the probe's events")
    assert "Unhealthy" in reasons


@fake_pods
def test_scale(cluster: Cluster, namespace: str) -> None:
    """Scaling adds and removes pods; the selected ones count in /scale."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1)))
    available(cluster, namespace, "web", 1)
    path = f"{apps(namespace, 'deployments', 'web')}/scale"
    good(cluster.admin.patch(path, MERGE, {"spec": {"replicas": 3}}))
    available(cluster, namespace, "web", 3)
    scale = good(cluster.admin.get(path))
    assert (scale["kind"], scale["status"]["replicas"], scale["status"]["selector"]) == ("Scale", 3, "app=web")
    good(cluster.admin.patch(path, MERGE, {"spec": {"replicas": 0}}))
    eventually(lambda: not pods_of(cluster, namespace, "web"), "the pods to go")


@fake_pods
def test_recreate(cluster: Cluster, namespace: str) -> None:
    """With the strategy Recreate a new template replaces all pods."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", strategy={"type": "Recreate"})))
    available(cluster, namespace, "web", 2)
    before = {each["metadata"]["uid"] for each in pods_of(cluster, namespace, "web")}
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": OTHER_IMAGE}]
    good(cluster.admin.patch(apps(namespace, "deployments", "web"), "application/json-patch+json", patch))
    available(cluster, namespace, "web", 2)

    def replaced() -> bool:
        after = {each["metadata"]["uid"] for each in pods_of(cluster, namespace, "web")}
        return len(after) == 2 and not before & after

    eventually(replaced, "new pods")


@fake_pods
def test_paused(cluster: Cluster, namespace: str) -> None:
    """A paused Deployment does not roll out, and says so; resumed, it does."""
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1)))
    available(cluster, namespace, "web", 1)
    change = {"spec": {"paused": True, "template": {"metadata": {"labels": {"new": "1"}}}}}
    good(cluster.admin.patch(apps(namespace, "deployments", "web"), MERGE, change))
    eventually(lambda: progress(cluster, namespace, "web", "DeploymentPaused"), "the pause")
    assert len(good(cluster.admin.get(apps(namespace, "replicasets")))["items"]) == 1
    good(cluster.admin.patch(apps(namespace, "deployments", "web"), MERGE, {"spec": {"paused": False}}))
    available(cluster, namespace, "web", 1)
    assert len(good(cluster.admin.get(apps(namespace, "replicasets")))["items"]) == 2


def test_no_service_account(cluster: Cluster, namespace: str) -> None:
    """Pods of a ServiceAccount that is not there are not made, and the Deployment says why."""
    body = deployment("web", replicas=1)
    body["spec"]["template"]["spec"]["serviceAccountName"] = "none"
    good(cluster.admin.post(apps(namespace, "deployments"), body))

    def failed() -> Object:
        return condition(good(cluster.admin.get(apps(namespace, "deployments", "web"))), "ReplicaFailure")

    found = eventually(failed, "the failure")
    assert (found["status"], found["reason"]) == ("True", "FailedCreate")
    assert 'serviceaccount "none" not found' in found["message"]


@fake_pods
def test_disruption_budget_and_autoscaler(cluster: Cluster, namespace: str) -> None:
    """A budget counts the pods that may go; an autoscaler keeps the Deployment at its least."""
    newer = cluster.version >= (1, 23)
    good(cluster.admin.post(apps(namespace, "deployments"), deployment("web", replicas=1)))
    budget = {
        "apiVersion": "policy/v1" if newer else "policy/v1beta1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }  # fmt: skip
    budgets = f"/apis/{budget['apiVersion']}/namespaces/{namespace}/poddisruptionbudgets"
    good(cluster.admin.post(budgets, budget))
    scaler = {
        "apiVersion": "autoscaling/v2" if newer else "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2, "maxReplicas": 4,
        },
    }  # fmt: skip
    good(cluster.admin.post(f"/apis/{scaler['apiVersion']}/namespaces/{namespace}/horizontalpodautoscalers", scaler))
    available(cluster, namespace, "web", 2)

    def counted() -> Object | None:
        found: Object = good(cluster.admin.get(f"{budgets}/web"))["status"]
        return found if found.get("currentHealthy") == 2 else None

    told = eventually(counted, "the budget to count two pods")
    assert (told["desiredHealthy"], told["disruptionsAllowed"], told["expectedPods"]) == (1, 1, 2)
