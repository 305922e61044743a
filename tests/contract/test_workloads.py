"""What the controllers do: Deployments roll, pods get ready or say why not, Jobs end, Services find their pods."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import MERGE, eventually, good, status
from tests.contract.objects import IMAGE, OTHER_IMAGE, condition, config_map, deployment, job, pod, service

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]
fake_pods = pytest.mark.fake_pods


def _apps(namespace: str, plural: str, name: str = "") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{plural}{'/' + name if name else ''}"


def _core(namespace: str, plural: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/{plural}{'/' + name if name else ''}"


def _available(cluster: Cluster, namespace: str, name: str, replicas: int) -> Object:
    """Return the Deployment once all its pods are of its newest template, and available."""

    def look() -> Object | None:
        found = good(cluster.admin.get(_apps(namespace, "deployments", name)))
        told = found.get("status", {})
        counts = [told.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
        seen = told.get("observedGeneration") == found["metadata"]["generation"]
        return found if seen and counts == [replicas] * 4 else None

    found: Object = eventually(look, f"the Deployment {name} with {replicas} pods")
    return found


def _pods(cluster: Cluster, namespace: str, app: str) -> list[Object]:
    found: list[Object] = good(cluster.admin.get(_core(namespace, "pods"), labelSelector=f"app={app}"))["items"]
    return found


def _events(cluster: Cluster, namespace: str, name: str) -> list[Object]:
    listed: list[Object] = good(cluster.admin.get(_core(namespace, "events")))["items"]
    return [each for each in listed if each["involvedObject"]["name"] == name]


@fake_pods
def test_deployment_to_ready(cluster: Cluster, namespace: str) -> None:
    """A Deployment makes a ReplicaSet, that makes pods, those get ready; each is owned by the one before."""
    made = good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web")))
    done = _available(cluster, namespace, "web", 2)
    assert (condition(done, "Available")["status"], condition(done, "Available")["reason"]) == (
        "True",
        "MinimumReplicasAvailable",
    )
    progressing = eventually(
        lambda: _progress(cluster, namespace, "web", "NewReplicaSetAvailable"), "the end of the rollout"
    )
    assert progressing["status"] == "True"
    (replica_set,) = good(cluster.admin.get(_apps(namespace, "replicasets")))["items"]
    (owner,) = replica_set["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Deployment", made["metadata"]["uid"], True)
    mark = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{mark}"
    assert replica_set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    pods = _pods(cluster, namespace, "web")
    assert len(pods) == 2
    for each in pods:
        assert each["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
        assert each["metadata"]["labels"] == {"app": "web", "pod-template-hash": mark}
        assert each["metadata"]["name"].startswith(f"web-{mark}-")


def _progress(cluster: Cluster, namespace: str, name: str, reason: str) -> Object | None:
    found = condition(good(cluster.admin.get(_apps(namespace, "deployments", name))), "Progressing")
    return found if found.get("reason") == reason else None


@fake_pods
def test_ready_pod(cluster: Cluster, namespace: str) -> None:
    """A ready pod runs on a node, has an address, its conditions hold, and its image's digest is told."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1)))
    _available(cluster, namespace, "web", 1)
    (found,) = _pods(cluster, namespace, "web")
    told = found["status"]
    assert (told["phase"], bool(told["podIP"]), bool(found["spec"]["nodeName"])) == ("Running", True, True)
    for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready"):
        assert condition(found, kind)["status"] == "True", kind
    (container,) = told["containerStatuses"]
    assert (container["name"], container["ready"], container["restartCount"]) == ("main", True, 0)
    assert container["imageID"].endswith(IMAGE.partition("@")[2])
    assert "startedAt" in container["state"]["running"]
    reasons = eventually(lambda: _reasons(cluster, namespace, found, "Started"), "the pod's events")
    assert {"Pulling", "Pulled", "Created", "Started"} <= reasons


def _reasons(cluster: Cluster, namespace: str, body: Object, least: str) -> set[str]:
    found = {each["reason"] for each in _events(cluster, namespace, body["metadata"]["name"])}
    return found if least in found else set()


@fake_pods
def test_rollout(cluster: Cluster, namespace: str) -> None:
    """A new template gets a ReplicaSet of its own, with the next revision; the old one stays, empty."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=3)))
    _available(cluster, namespace, "web", 3)
    containers = [{"name": "main", "image": OTHER_IMAGE}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    strategic = "application/strategic-merge-patch+json"
    good(cluster.admin.patch(_apps(namespace, "deployments", "web"), strategic, patch))
    done = _available(cluster, namespace, "web", 3)
    assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    sets = good(cluster.admin.get(_apps(namespace, "replicasets")))["items"]
    by_revision = {each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each for each in sets}
    assert {key: each["spec"]["replicas"] for key, each in by_revision.items()} == {"1": 0, "2": 3}

    def only_new() -> bool:
        images = [each["spec"]["containers"][0]["image"] for each in _pods(cluster, namespace, "web")]
        return images == [OTHER_IMAGE] * 3

    eventually(only_new, "the old pods to go")


@fake_pods
def test_rollback_to_an_old_template(cluster: Cluster, namespace: str) -> None:
    """A template that was there before gets its old ReplicaSet back, with a new revision."""
    first = deployment("web", replicas=1)
    good(cluster.admin.post(_apps(namespace, "deployments"), first))
    _available(cluster, namespace, "web", 1)
    (old,) = good(cluster.admin.get(_apps(namespace, "replicasets")))["items"]
    for image in (OTHER_IMAGE, IMAGE):
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
        good(cluster.admin.patch(_apps(namespace, "deployments", "web"), "application/json-patch+json", patch))
        _available(cluster, namespace, "web", 1)
    sets = good(cluster.admin.get(_apps(namespace, "replicasets")))["items"]
    assert len(sets) == 2
    again = next(each for each in sets if each["metadata"]["uid"] == old["metadata"]["uid"])
    assert again["spec"]["replicas"] == 1
    assert again["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


@fake_pods
def test_never_ready(cluster: Cluster, namespace: str) -> None:
    """A new version that gets never ready leaves the old pods serving, and misses its progress deadline."""
    body = deployment("web", replicas=2, progressDeadlineSeconds=2)
    body["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    good(cluster.admin.post(_apps(namespace, "deployments"), body))
    _available(cluster, namespace, "web", 2)
    broken = {"spec": {"template": {"metadata": {"annotations": {"lab.mcci.io/fake": "never-ready"}}}}}
    good(cluster.admin.patch(_apps(namespace, "deployments", "web"), MERGE, broken))
    late = eventually(lambda: _progress(cluster, namespace, "web", "ProgressDeadlineExceeded"), "the deadline")
    assert (late["status"], late["type"]) == ("False", "Progressing")
    found = good(cluster.admin.get(_apps(namespace, "deployments", "web")))
    assert (found["status"]["availableReplicas"], found["status"]["updatedReplicas"]) == (2, 1)
    assert condition(found, "Available")["status"] == "True"
    unready = [each for each in _pods(cluster, namespace, "web") if condition(each, "Ready")["status"] == "False"]
    assert len(unready) == 1
    assert condition(unready[0], "Ready")["reason"] == "ContainersNotReady"
    reasons = eventually(lambda: _reasons(cluster, namespace, unready[0], "Unhealthy"), "the probe's events")
    assert "Unhealthy" in reasons


@fake_pods
@pytest.mark.parametrize(
    ("fake", "reason", "event"),
    [("crashes", "CrashLoopBackOff", "BackOff"), ("pull-fails", "ImagePullBackOff", "Failed")],
)
def test_broken_pod(cluster: Cluster, namespace: str, fake: str, reason: str, event: str) -> None:
    """A container that crashes, or whose image cannot be pulled, waits with the reason, and there is an event."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1, fake=fake)))

    def waiting() -> Object | None:
        for each in _pods(cluster, namespace, "web"):
            for container in each["status"].get("containerStatuses") or ():
                if container["state"].get("waiting", {}).get("reason") == reason:
                    return each
        return None

    found = eventually(waiting, f"a pod that waits for {reason}")
    events = eventually(lambda: _events_of(cluster, namespace, found, event), "its event")
    assert events[0]["type"] == "Warning" or fake == "pull-fails"
    assert events[0]["involvedObject"]["fieldPath"] == "spec.containers{main}"
    if fake == "crashes":
        (container,) = found["status"]["containerStatuses"]
        assert container["restartCount"] >= 1
        assert container["lastState"]["terminated"]["exitCode"] == 1


def _events_of(cluster: Cluster, namespace: str, body: Object, reason: str) -> list[Object]:
    return [each for each in _events(cluster, namespace, body["metadata"]["name"]) if each["reason"] == reason]


@fake_pods
def test_scale(cluster: Cluster, namespace: str) -> None:
    """Scaling adds and removes pods; the selected ones count in /scale."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1)))
    _available(cluster, namespace, "web", 1)
    path = f"{_apps(namespace, 'deployments', 'web')}/scale"
    good(cluster.admin.patch(path, MERGE, {"spec": {"replicas": 3}}))
    _available(cluster, namespace, "web", 3)
    scale = good(cluster.admin.get(path))
    assert (scale["kind"], scale["status"]["replicas"], scale["status"]["selector"]) == ("Scale", 3, "app=web")
    good(cluster.admin.patch(path, MERGE, {"spec": {"replicas": 0}}))
    eventually(lambda: not _pods(cluster, namespace, "web"), "the pods to go")


@fake_pods
def test_recreate(cluster: Cluster, namespace: str) -> None:
    """With the strategy Recreate a new template replaces all pods."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", strategy={"type": "Recreate"})))
    _available(cluster, namespace, "web", 2)
    before = {each["metadata"]["uid"] for each in _pods(cluster, namespace, "web")}
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": OTHER_IMAGE}]
    good(cluster.admin.patch(_apps(namespace, "deployments", "web"), "application/json-patch+json", patch))
    _available(cluster, namespace, "web", 2)

    def replaced() -> bool:
        after = {each["metadata"]["uid"] for each in _pods(cluster, namespace, "web")}
        return len(after) == 2 and not before & after

    eventually(replaced, "new pods")


@fake_pods
def test_paused(cluster: Cluster, namespace: str) -> None:
    """A paused Deployment does not roll out, and says so; resumed, it does."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1)))
    _available(cluster, namespace, "web", 1)
    change = {"spec": {"paused": True, "template": {"metadata": {"labels": {"new": "1"}}}}}
    good(cluster.admin.patch(_apps(namespace, "deployments", "web"), MERGE, change))
    eventually(lambda: _progress(cluster, namespace, "web", "DeploymentPaused"), "the pause")
    assert len(good(cluster.admin.get(_apps(namespace, "replicasets")))["items"]) == 1
    good(cluster.admin.patch(_apps(namespace, "deployments", "web"), MERGE, {"spec": {"paused": False}}))
    _available(cluster, namespace, "web", 1)
    assert len(good(cluster.admin.get(_apps(namespace, "replicasets")))["items"]) == 2


def test_no_service_account(cluster: Cluster, namespace: str) -> None:
    """Pods of a ServiceAccount that is not there are not made, and the Deployment says why."""
    body = deployment("web", replicas=1)
    body["spec"]["template"]["spec"]["serviceAccountName"] = "none"
    good(cluster.admin.post(_apps(namespace, "deployments"), body))

    def failed() -> Object:
        return condition(good(cluster.admin.get(_apps(namespace, "deployments", "web"))), "ReplicaFailure")

    found = eventually(failed, "the failure")
    assert (found["status"], found["reason"]) == ("True", "FailedCreate")
    assert 'serviceaccount "none" not found' in found["message"]


def test_owner_cascade(cluster: Cluster, namespace: str) -> None:
    """What an object owns goes with it; in the foreground, before it."""
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1)))
    eventually(lambda: _pods(cluster, namespace, "web"), "a pod")
    foreground = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
    good(cluster.admin.delete(_apps(namespace, "deployments", "web"), foreground))
    gone = eventually(
        lambda: cluster.admin.get(_apps(namespace, "deployments", "web")).status_code == 404, "the Deployment to go", 60
    )
    assert gone
    assert good(cluster.admin.get(_apps(namespace, "replicasets")))["items"] == []


def test_orphans_stay(cluster: Cluster, namespace: str) -> None:
    """With the policy Orphan what was owned stays, without an owner."""
    owner = good(cluster.admin.post(_core(namespace, "configmaps"), config_map("owner")))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    good(cluster.admin.post(_core(namespace, "configmaps"), config_map("owned", ownerReferences=[reference])))
    orphan = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    # a real collector must have seen the pair before it can part them
    eventually(lambda: True, "nothing")
    good(cluster.admin.delete(_core(namespace, "configmaps", "owner"), orphan))
    eventually(lambda: cluster.admin.get(_core(namespace, "configmaps", "owner")).status_code == 404, "the owner to go")
    assert "ownerReferences" not in good(cluster.admin.get(_core(namespace, "configmaps", "owned")))["metadata"]


def test_owned_by_what_is_gone(cluster: Cluster, namespace: str) -> None:
    """An object whose owner is not there is collected."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "0b1c0a4e-0000-4000-8000-000000000000"}
    good(cluster.admin.post(_core(namespace, "configmaps"), config_map("a", ownerReferences=[reference])))
    path = _core(namespace, "configmaps", "a")
    eventually(lambda: cluster.admin.get(path).status_code == 404, "the object to be collected")


@fake_pods
def test_endpoints(cluster: Cluster, namespace: str) -> None:
    """A Service's Endpoints list the ready pods that it selects, at the port that its name stands for."""
    good(cluster.admin.post(_core(namespace, "services"), service("web", "web")))
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web")))
    _available(cluster, namespace, "web", 2)
    addresses = {each["status"]["podIP"] for each in _pods(cluster, namespace, "web")}

    def listed() -> Object | None:
        subsets = good(cluster.admin.get(_core(namespace, "endpoints", "web"))).get("subsets") or [{}]
        ips = {each["ip"] for each in subsets[0].get("addresses", ())}
        return subsets[0] if ips == addresses else None

    found = eventually(listed, "both pods in the Endpoints")
    assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    target = found["addresses"][0]["targetRef"]
    assert (target["kind"], target["namespace"]) == ("Pod", namespace)


@fake_pods
def test_endpoints_of_unready_pods(cluster: Cluster, namespace: str) -> None:
    """A pod that is not ready is listed as such, and gets no traffic."""
    good(cluster.admin.post(_core(namespace, "services"), service("web", "web")))
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1, fake="never-ready")))

    def listed() -> Object | None:
        reply = cluster.admin.get(_core(namespace, "endpoints", "web"))
        subsets = reply.json().get("subsets") or [{}]
        return subsets[0] if subsets[0].get("notReadyAddresses") else None

    assert "addresses" not in eventually(listed, "the pod among the not ready")


@fake_pods
@pytest.mark.since("1.21")
def test_endpoint_slices(cluster: Cluster, namespace: str) -> None:
    """A Service's EndpointSlices carry its name as a label, and say which endpoints are ready."""
    good(cluster.admin.post(_core(namespace, "services"), service("web", "web")))
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1)))
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

    def ready() -> list[Object]:
        slices = good(cluster.admin.get(path, labelSelector="kubernetes.io/service-name=web"))["items"]
        return [end for each in slices for end in each.get("endpoints") or () if end["conditions"].get("ready")]

    assert len(eventually(ready, "a ready endpoint")) == 1


def test_cluster_ip(cluster: Cluster, namespace: str) -> None:
    """A Service gets an address of its own, keeps it, and may not change it."""
    made = good(cluster.admin.post(_core(namespace, "services"), service("web", "web")))
    address = made["spec"]["clusterIP"]
    assert address.count(".") == 3
    assert made["spec"]["type"] == "ClusterIP"
    replaced = good(cluster.admin.put(_core(namespace, "services", "web"), {**made, "metadata": {**made["metadata"]}}))
    assert replaced["spec"]["clusterIP"] == address
    changed = {"spec": {"clusterIP": "10.255.255.1"}}
    status(cluster.admin.patch(_core(namespace, "services", "web"), MERGE, changed), 422, "Invalid")


@fake_pods
def test_job_complete(cluster: Cluster, namespace: str) -> None:
    """A Job whose pod succeeds is complete."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    made = good(cluster.admin.post(path, job("good")))
    assert made["spec"]["backoffLimit"] == 6
    done = eventually(lambda: _concluded(cluster, path, "good"), "the Job to end")
    assert condition(done, "Complete")["status"] == "True"
    assert (done["status"]["succeeded"], bool(done["status"]["completionTime"])) == (1, True)
    pods = good(cluster.admin.get(_core(namespace, "pods"), labelSelector="job-name=good"))["items"]
    assert [each["status"]["phase"] for each in pods] == ["Succeeded"]


@fake_pods
def test_job_failed(cluster: Cluster, namespace: str) -> None:
    """A Job whose pods fail more often than its backoffLimit has failed, and says why."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    good(cluster.admin.post(path, job("bad", fake="exits=3", backoffLimit=0)))
    done = eventually(lambda: _concluded(cluster, path, "bad"), "the Job to end")
    failed = condition(done, "Failed")
    assert (failed["status"], failed["reason"]) == ("True", "BackoffLimitExceeded")
    (found,) = good(cluster.admin.get(_core(namespace, "pods"), labelSelector="job-name=bad"))["items"]
    (container,) = found["status"]["containerStatuses"]
    assert (found["status"]["phase"], container["state"]["terminated"]["exitCode"]) == ("Failed", 3)


@fake_pods
def test_job_too_late(cluster: Cluster, namespace: str) -> None:
    """A Job that is not done by its activeDeadlineSeconds has failed."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    good(cluster.admin.post(path, job("late", fake="pull-fails", activeDeadlineSeconds=1)))
    done = eventually(lambda: _concluded(cluster, path, "late"), "the Job to end")
    assert condition(done, "Failed")["reason"] == "DeadlineExceeded"


def _concluded(cluster: Cluster, path: str, name: str) -> Object | None:
    found = good(cluster.admin.get(f"{path}/{name}"))
    return found if condition(found, "Complete") or condition(found, "Failed") else None


@fake_pods
def test_logs(cluster: Cluster, namespace: str) -> None:
    """A container's log is plain text; `tailLines` takes its end; another container's name is refused."""
    good(cluster.admin.post(_core(namespace, "pods"), pod("web")))
    path = _core(namespace, "pods", "web")
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
    good(cluster.admin.post(_core(namespace, "pods"), pod("web", fake="crashes")))
    path = _core(namespace, "pods", "web")

    def restarted() -> bool:
        statuses = good(cluster.admin.get(path))["status"].get("containerStatuses") or [{}]
        return bool(statuses[0].get("restartCount"))

    eventually(restarted, "a restart")
    assert f"{namespace}/web" in cluster.admin.get(f"{path}/log", previous="true").text


@fake_pods
def test_init_container(cluster: Cluster, namespace: str) -> None:
    """A pod's init containers end before its others start."""
    first = {"name": "first", "image": IMAGE}
    good(cluster.admin.post(_core(namespace, "pods"), pod("web", initContainers=[first])))
    path = _core(namespace, "pods", "web")
    eventually(lambda: condition(good(cluster.admin.get(path)), "Ready").get("status") == "True", "the pod")
    (ended,) = good(cluster.admin.get(path))["status"]["initContainerStatuses"]
    assert (ended["name"], ended["state"]["terminated"]["reason"]) == ("first", "Completed")


@fake_pods
def test_init_container_fails(cluster: Cluster, namespace: str) -> None:
    """A pod that is not tried again has failed when an init container has, and its others never start."""
    first = {"name": "first", "image": IMAGE}
    body = pod("web", fake="exits=2", restartPolicy="Never", initContainers=[first])
    good(cluster.admin.post(_core(namespace, "pods"), body))
    path = _core(namespace, "pods", "web")
    eventually(lambda: good(cluster.admin.get(path))["status"].get("phase") == "Failed", "the pod to fail")
    told = good(cluster.admin.get(path))["status"]
    assert told["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 2
    assert "waiting" in told["containerStatuses"][0]["state"]


@fake_pods
def test_pod_deletion(cluster: Cluster, namespace: str) -> None:
    """A pod on a node is marked with its grace period, and goes once it has ended."""
    good(cluster.admin.post(_core(namespace, "pods"), pod("web")))
    path = _core(namespace, "pods", "web")
    eventually(lambda: condition(good(cluster.admin.get(path)), "Ready").get("status") == "True", "the pod")
    marked = good(cluster.admin.delete(path))
    assert marked["kind"] == "Pod"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    eventually(lambda: cluster.admin.get(path).status_code == 404, "the pod to go")


@fake_pods
def test_disruption_budget_and_autoscaler(cluster: Cluster, namespace: str) -> None:
    """A budget counts the pods that may go; an autoscaler keeps the Deployment at its least."""
    newer = cluster.version >= (1, 23)
    good(cluster.admin.post(_apps(namespace, "deployments"), deployment("web", replicas=1)))
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
    _available(cluster, namespace, "web", 2)

    def counted() -> Object | None:
        found: Object = good(cluster.admin.get(f"{budgets}/web"))["status"]
        return found if found.get("currentHealthy") == 2 else None

    told = eventually(counted, "the budget to count two pods")
    assert (told["desiredHealthy"], told["disruptionsAllowed"], told["expectedPods"]) == (1, 1, 2)


@fake_pods
def test_namespace_deletion(cluster: Cluster) -> None:
    """A namespace that is deleted takes everything in it along; nothing new can be made there meanwhile."""
    name = f"contract-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    good(cluster.admin.post("/api/v1/namespaces", body))
    eventually(lambda: cluster.admin.get(_core(name, "serviceaccounts", "default")).status_code == 200, "its account")
    held = config_map("held", finalizers=["example.com/hold"])
    good(cluster.admin.post(_core(name, "configmaps"), held))
    good(cluster.admin.post(_apps(name, "deployments"), deployment("web", replicas=1)))
    good(cluster.admin.delete(f"/api/v1/namespaces/{name}"))
    assert good(cluster.admin.get(f"/api/v1/namespaces/{name}"))["status"]["phase"] == "Terminating"
    refused = status(cluster.admin.post(_core(name, "configmaps"), config_map("late")), 403, "Forbidden")
    assert "because it is being terminated" in refused["message"]
    eventually(lambda: not good(cluster.admin.get(_apps(name, "deployments")))["items"], "the Deployment to go", 60)
    good(cluster.admin.patch(_core(name, "configmaps", "held"), MERGE, {"metadata": {"finalizers": None}}))
    eventually(lambda: cluster.admin.get(f"/api/v1/namespaces/{name}").status_code == 404, "the namespace to go", 90)


def test_config_maps_of_a_namespace(cluster: Cluster, namespace: str) -> None:
    """Every namespace has the cluster's certificates, and a ServiceAccount."""
    eventually(
        lambda: cluster.admin.get(_core(namespace, "configmaps", "kube-root-ca.crt")).status_code == 200, "certificates"
    )
