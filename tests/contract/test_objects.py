"""Objects: made, read, listed, replaced, deleted; and what the server refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.api import good, status
from tests.contract.objects import config_map, deployment, pod

if TYPE_CHECKING:
    from tests.contract.api import Cluster


def _path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps{'/' + name if name else ''}"


def test_create_and_get(cluster: Cluster, namespace: str) -> None:
    """What is made comes back with a uid, a resourceVersion and the time, and can be read again just so."""
    made = good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"})), 201)
    assert made["data"] == {"x": "1"}
    assert made["metadata"]["namespace"] == namespace
    assert all(made["metadata"][field] for field in ("uid", "resourceVersion", "creationTimestamp"))
    assert good(cluster.admin.get(_path(namespace, "a")), 200) == made


def test_exists(cluster: Cluster, namespace: str) -> None:
    """A second object of the same name is refused."""
    good(cluster.admin.post(_path(namespace), config_map("a")))
    body = status(cluster.admin.post(_path(namespace), config_map("a")), 409, "AlreadyExists")
    assert body["details"] == {"name": "a", "kind": "configmaps"}
    assert body["message"] == 'configmaps "a" already exists'


def test_not_found(cluster: Cluster, namespace: str) -> None:
    """What is not there is told with the name and the kind."""
    body = status(cluster.admin.get(_path(namespace, "none")), 404, "NotFound")
    assert body["details"] == {"name": "none", "kind": "configmaps"}
    assert body["message"] == 'configmaps "none" not found'


def test_unknown_kind(cluster: Cluster, namespace: str) -> None:
    """A kind that is not served is a 404 that a client takes for such."""
    reply = cluster.admin.get(f"/apis/nothing.example.com/v1/namespaces/{namespace}/things")
    assert reply.status_code == 404


def test_no_namespace(cluster: Cluster) -> None:
    """Nothing is made in a namespace that is not there."""
    body = status(cluster.admin.post(_path("no-such-namespace"), config_map("a")), 404, "NotFound")
    assert body["message"] == 'namespaces "no-such-namespace" not found'


def test_generate_name(cluster: Cluster, namespace: str) -> None:
    """A name is made from generateName."""
    body = config_map("x")
    body["metadata"] = {"generateName": "made-"}
    names = {good(cluster.admin.post(_path(namespace), body))["metadata"]["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("made-") and len(name) == len("made-") + 5 for name in names)


def test_replace_needs_the_current_version(cluster: Cluster, namespace: str) -> None:
    """Who replaces what another one has changed since gets 409, and the other one's change stays."""
    made = good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"})))
    good(cluster.admin.put(_path(namespace, "a"), {**made, "data": {"x": "2"}}))
    body = status(cluster.admin.put(_path(namespace, "a"), {**made, "data": {"x": "3"}}), 409, "Conflict")
    assert "the object has been modified; please apply your changes to the latest version" in body["message"]
    assert good(cluster.admin.get(_path(namespace, "a")))["data"] == {"x": "2"}


def test_replace_without_version(cluster: Cluster, namespace: str) -> None:
    """A replacement that names no version is taken as it is."""
    good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"})))
    assert good(cluster.admin.put(_path(namespace, "a"), config_map("a", {"y": "2"})))["data"] == {"y": "2"}


def test_replace_of_another(cluster: Cluster, namespace: str) -> None:
    """A body of another name than the path's is refused."""
    good(cluster.admin.post(_path(namespace), config_map("a")))
    status(cluster.admin.put(_path(namespace, "a"), config_map("b")), 400, "BadRequest")


def test_nothing_changed(cluster: Cluster, namespace: str) -> None:
    """A write that changes nothing makes no new version."""
    made = good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"})))
    again = good(cluster.admin.put(_path(namespace, "a"), made))
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_delete(cluster: Cluster, namespace: str) -> None:
    """What is deleted is gone, and the answer says what it was."""
    made = good(cluster.admin.post(_path(namespace), config_map("a")))
    answer = good(cluster.admin.delete(_path(namespace, "a")), 200)
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    status(cluster.admin.get(_path(namespace, "a")), 404, "NotFound")
    status(cluster.admin.delete(_path(namespace, "a")), 404, "NotFound")


def test_delete_on_condition(cluster: Cluster, namespace: str) -> None:
    """A deletion that names another uid is refused."""
    good(cluster.admin.post(_path(namespace), config_map("a")))
    conditions = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}}
    status(cluster.admin.delete(_path(namespace, "a"), conditions), 409, "Conflict")
    good(cluster.admin.get(_path(namespace, "a")))


def test_delete_many(cluster: Cluster, namespace: str) -> None:
    """A collection is deleted by its labels."""
    for name, color in (("a", "red"), ("b", "red"), ("c", "blue")):
        good(cluster.admin.post(_path(namespace), config_map(name, labels={"color": color})))
    good(cluster.admin.delete(_path(namespace), labelSelector="color=red"))
    left = {each["metadata"]["name"] for each in good(cluster.admin.get(_path(namespace)))["items"]}
    assert {"a", "b", "c"} & left == {"c"}


def test_finalizer(cluster: Cluster, namespace: str) -> None:
    """What has a finalizer is marked, stays, and goes with its last finalizer."""
    good(cluster.admin.post(_path(namespace), config_map("a", finalizers=["example.com/hold"])))
    good(cluster.admin.delete(_path(namespace, "a")))
    held = good(cluster.admin.get(_path(namespace, "a")))
    assert held["metadata"]["deletionTimestamp"]
    held["metadata"]["finalizers"] = []
    good(cluster.admin.put(_path(namespace, "a"), held))
    status(cluster.admin.get(_path(namespace, "a")), 404, "NotFound")


@pytest.mark.parametrize("dry", ["create", "replace", "delete"])
def test_dry_run(cluster: Cluster, namespace: str, dry: str) -> None:
    """A dry run answers as the act would, and nothing is written."""
    if dry == "create":
        made = good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"}), dryRun="All"), 201)
        assert made["data"] == {"x": "1"}
        status(cluster.admin.get(_path(namespace, "a")), 404, "NotFound")
        return
    good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"})))
    if dry == "replace":
        answer = cluster.admin.put(_path(namespace, "a"), config_map("a", {"x": "2"}), dryRun="All")
        assert good(answer)["data"] == {"x": "2"}
    else:
        good(cluster.admin.delete(_path(namespace, "a"), dryRun="All"))
        good(
            cluster.admin.delete(
                _path(namespace, "a"), {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
            )
        )
    assert good(cluster.admin.get(_path(namespace, "a")))["data"] == {"x": "1"}


def test_dry_run_still_refuses(cluster: Cluster, namespace: str) -> None:
    """A dry run refuses what the act would refuse."""
    good(cluster.admin.post(_path(namespace), config_map("a")))
    status(cluster.admin.post(_path(namespace), config_map("a"), dryRun="All"), 409, "AlreadyExists")
    bad = deployment("Not A Name")
    status(cluster.admin.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", bad, dryRun="All"), 422, "Invalid")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("color=red", "ab"),
        ("color==red,size=big", "a"),
        ("color!=red", "cd"),
        ("color in (red, blue)", "abc"),
        ("color notin (red)", "cd"),
        ("size", "a"),
        ("!size,color", "bc"),
    ],
)
def test_label_selectors(cluster: Cluster, namespace: str, selector: str, found: str) -> None:
    """Every form of label selector takes what it says."""
    labels = {"a": {"color": "red", "size": "big"}, "b": {"color": "red"}, "c": {"color": "blue"}, "d": {"set": "x"}}
    for name, own in labels.items():
        good(cluster.admin.post(_path(namespace), config_map(name, labels={**own, "mine": "1"})))
    listed = good(cluster.admin.get(_path(namespace), labelSelector=f"mine=1,{selector}"))
    assert "".join(each["metadata"]["name"] for each in listed["items"]) == found
    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")


def test_bad_selector(cluster: Cluster, namespace: str) -> None:
    """A selector that is none is refused."""
    status(cluster.admin.get(_path(namespace), labelSelector="color in red"), 400, "BadRequest")


def test_field_selectors(cluster: Cluster, namespace: str) -> None:
    """metadata.name, and a pod's phase and node, select; another field is refused."""
    for name in ("a", "b"):
        good(cluster.admin.post(_path(namespace), config_map(name)))
    listed = good(cluster.admin.get(_path(namespace), fieldSelector="metadata.name=b"))
    assert [each["metadata"]["name"] for each in listed["items"]] == ["b"]
    pods = f"/api/v1/namespaces/{namespace}/pods"
    assert good(cluster.admin.get(pods, fieldSelector="status.phase=Failed"))["items"] == []
    status(cluster.admin.get(_path(namespace), fieldSelector="data.x=1"), 400, "BadRequest")


def test_pages(cluster: Cluster, namespace: str) -> None:
    """A list comes in pages where a limit is given; the last one has no `continue`."""
    for number in range(5):
        good(cluster.admin.post(_path(namespace), config_map(f"n{number}", labels={"mine": "1"})))
    names: list[str] = []
    page = good(cluster.admin.get(_path(namespace), limit="2", labelSelector="mine=1"))
    names += [each["metadata"]["name"] for each in page["items"]]
    while following := page["metadata"].get("continue"):
        page = good(
            cluster.admin.get(_path(namespace), **{"limit": "2", "labelSelector": "mine=1", "continue": following})
        )
        names += [each["metadata"]["name"] for each in page["items"]]
    assert names == [f"n{number}" for number in range(5)]


def test_generation(cluster: Cluster, namespace: str) -> None:
    """The generation counts changes of the spec, not of labels; the controllers say which one they have seen."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    made = good(cluster.admin.post(path, deployment("d", replicas=0)))
    assert made["metadata"]["generation"] == 1
    merge = "application/merge-patch+json"
    labelled = good(cluster.admin.patch(f"{path}/d", merge, {"metadata": {"labels": {"new": "1"}}}))
    assert labelled["metadata"]["generation"] == 1
    changed = good(cluster.admin.patch(f"{path}/d", merge, {"spec": {"minReadySeconds": 3}}))
    assert changed["metadata"]["generation"] == 2


def test_status_is_apart(cluster: Cluster, namespace: str) -> None:
    """A status given with the object is dropped; /status takes it, and drops the spec."""
    path = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    body = deployment("r", replicas=0)
    body["kind"] = "ReplicaSet"
    made = good(cluster.admin.post(path, {**body, "status": {"replicas": 7}}))
    assert made.get("status", {}).get("replicas", 0) == 0
    merge = "application/merge-patch+json"
    both = {"spec": {"minReadySeconds": 9}, "status": {"conditions": [{"type": "Mine", "status": "True"}]}}
    good(cluster.admin.patch(f"{path}/r/status", merge, both))
    after = good(cluster.admin.get(f"{path}/r"))
    assert after["spec"].get("minReadySeconds", 0) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels"),
        ({"replicas": -1}, "spec.replicas"),
    ],
)
def test_invalid_deployment(cluster: Cluster, namespace: str, change: dict[str, object], field: str) -> None:
    """What breaks a Deployment's rules is refused, and the cause names the field."""
    body = deployment("d")
    body["spec"] |= change
    refused = status(cluster.admin.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", body), 422, "Invalid")
    assert field in {cause["field"] for cause in refused["details"]["causes"]}


def test_selector_is_immutable(cluster: Cluster, namespace: str) -> None:
    """A Deployment's selector cannot be changed."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = deployment("d", replicas=0)
    good(cluster.admin.post(path, body))
    for labels in (body["spec"]["selector"]["matchLabels"], body["spec"]["template"]["metadata"]["labels"]):
        labels["app"] = "other"
    refused = status(cluster.admin.put(f"{path}/d", body), 422, "Invalid")
    assert "field is immutable" in refused["message"]


def test_bad_names(cluster: Cluster, namespace: str) -> None:
    """A name that is none is refused, and so is a body without one."""
    refused = status(cluster.admin.post(_path(namespace), config_map("Not_A_Name")), 422, "Invalid")
    assert refused["details"]["causes"][0]["field"] == "metadata.name"
    nameless = config_map("x")
    del nameless["metadata"]["name"]
    status(cluster.admin.post(_path(namespace), nameless), 422, "Invalid")


def test_bad_bodies(cluster: Cluster, namespace: str) -> None:
    """A body of another kind, and one whose values are of the wrong type, is refused."""
    assert cluster.admin.post(_path(namespace), pod("a")).status_code == 400
    wrong = config_map("a")
    wrong["data"] = {"number": 7}
    assert cluster.admin.post(_path(namespace), wrong).status_code == 400


@pytest.mark.since("1.25")
def test_unknown_fields(cluster: Cluster, namespace: str) -> None:
    """A field that the kind does not have is refused where it is asked to be, and dropped with a warning elsewhere."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = deployment("d", replicas=0)
    body["spec"]["replicsa"] = 3
    refused = status(cluster.admin.post(path, body, fieldValidation="Strict"), 400, "BadRequest")
    assert 'unknown field "spec.replicsa"' in refused["message"]
    reply = cluster.admin.post(path, body, fieldValidation="Warn")
    assert "replicsa" not in good(reply)["spec"]
    assert reply.headers["Warning"] == r'299 - "unknown field \"spec.replicsa\""'


def test_defaults(cluster: Cluster, namespace: str) -> None:
    """What a Deployment leaves out is filled in."""
    body = deployment("d", replicas=0)
    made = good(cluster.admin.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", body))
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    assert made["spec"]["strategy"] == rolling
    assert (made["spec"]["progressDeadlineSeconds"], made["spec"]["revisionHistoryLimit"]) == (600, 10)
    template = made["spec"]["template"]["spec"]
    assert (template["restartPolicy"], template["dnsPolicy"]) == ("Always", "ClusterFirst")
    assert template["terminationGracePeriodSeconds"] == 30
    (container,) = template["containers"]
    assert container["imagePullPolicy"] == "IfNotPresent"
    probe = {"httpGet": {"path": "/readyz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 1, "timeoutSeconds": 1}
    assert container["readinessProbe"] == {**probe, "successThreshold": 1, "failureThreshold": 3}


@pytest.mark.since("1.21")
def test_namespace_label(cluster: Cluster, namespace: str) -> None:
    """A namespace is labelled with its name."""
    found = good(cluster.admin.get(f"/api/v1/namespaces/{namespace}"))
    assert found["metadata"]["labels"]["kubernetes.io/metadata.name"] == namespace
    assert found["spec"]["finalizers"] == ["kubernetes"]
