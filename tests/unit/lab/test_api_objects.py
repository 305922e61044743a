"""Writing and reading objects over REST: codes, reasons and bodies as a real API server gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcci.lab.clusters import resources
from tests.unit.lab.rest import (
    APPLY,
    CONFIG_MAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    SERVICES,
    STRATEGIC,
    VIRTUAL_SERVICES,
    Rest,
    config_map,
    deployment,
    virtual_service,
)

if TYPE_CHECKING:
    import httpx

Object = dict[str, Any]


@pytest.fixture
def rest() -> Rest:
    return Rest("virtualservices")


def _refused(reply: httpx.Response, code: int, reason: str) -> Object:
    body: Object = reply.json()
    assert (reply.status_code, body["code"], body["reason"]) == (code, code, reason), body
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    return body


def test_create_get_delete(rest: Rest) -> None:
    """An object is made (201), read, deleted with a Status that names it, and then not found."""
    made = rest("POST", CONFIG_MAPS, config_map("a", {"x": "1"}))
    assert made.status_code == 201
    assert rest("GET", f"{CONFIG_MAPS}/a").json() == made.json()
    gone = rest("DELETE", f"{CONFIG_MAPS}/a").json()
    uid = made.json()["metadata"]["uid"]
    assert (gone["status"], gone["details"]) == ("Success", {"name": "a", "kind": "configmaps", "uid": uid})
    missing = _refused(rest("GET", f"{CONFIG_MAPS}/a"), 404, "NotFound")
    assert missing["message"] == 'configmaps "a" not found'
    assert missing["details"] == {"name": "a", "kind": "configmaps"}


def test_create_twice(rest: Rest) -> None:
    """The second create of a name is 409 AlreadyExists."""
    rest("POST", CONFIG_MAPS, config_map("a"))
    _refused(rest("POST", CONFIG_MAPS, config_map("a")), 409, "AlreadyExists")


def test_generated_name(rest: Rest) -> None:
    """With generateName the server finds a name that begins so."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "job-"}}
    names = {rest("POST", CONFIG_MAPS, body).json()["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("job-") and len(name) == 9 for name in names)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"kind": "Secret", "metadata": {"name": "a"}}, "kind in the body is 'Secret'"),
        ({"apiVersion": "v2", "metadata": {"name": "a"}}, "apiVersion in the body is 'v2'"),
        ({"metadata": {"name": "a", "namespace": "other"}}, "namespace of the provided object does not match"),
        ({"metadata": {"name": "a", "resourceVersion": "1"}}, "resourceVersion should not be set"),
    ],
)
def test_body_that_does_not_fit_its_address(rest: Rest, body: Object, told: str) -> None:
    """A body that says another kind, namespace or revision than the request is 400."""
    assert told in _refused(rest("POST", CONFIG_MAPS, body), 400, "BadRequest")["message"]


def test_body_that_cannot_be_read(rest: Rest) -> None:
    """A body that is no JSON, or no object, is 400."""
    _refused(rest("POST", CONFIG_MAPS, b"{"), 400, "BadRequest")
    _refused(rest("POST", CONFIG_MAPS, b"[]"), 400, "BadRequest")


def test_namespace_must_be_there(rest: Rest) -> None:
    """Nothing is made in a namespace that is not there."""
    reply = rest("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("a"))
    assert _refused(reply, 404, "NotFound")["message"] == 'namespaces "nowhere" not found'


def test_namespace_that_goes_takes_nothing_new(rest: Rest) -> None:
    """A deleted namespace is Terminating until it is finalized, and refuses new objects with its cause."""
    rest("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    marked = rest("DELETE", "/api/v1/namespaces/shop").json()
    assert marked["status"]["phase"] == "Terminating"
    body = _refused(rest("POST", "/api/v1/namespaces/shop/configmaps", config_map("a")), 403, "Forbidden")
    assert [cause["reason"] for cause in body["details"]["causes"]] == ["NamespaceTerminating"]
    rest("PUT", "/api/v1/namespaces/shop/finalize", {"metadata": {"name": "shop"}, "spec": {"finalizers": []}})
    _refused(rest("GET", "/api/v1/namespaces/shop"), 404, "NotFound")


def test_stale_update(rest: Rest) -> None:
    """A PUT from an old read is 409 Conflict; one without a revision wins."""
    first = rest("POST", CONFIG_MAPS, config_map("a", {"x": "1"})).json()
    assert rest("PUT", f"{CONFIG_MAPS}/a", {**first, "data": {"x": "2"}}).status_code == 200
    body = _refused(rest("PUT", f"{CONFIG_MAPS}/a", {**first, "data": {"x": "3"}}), 409, "Conflict")
    assert body["message"].startswith('Operation cannot be fulfilled on configmaps "a": the object has been modified')
    assert rest("PUT", f"{CONFIG_MAPS}/a", config_map("a", {"x": "4"})).json()["data"] == {"x": "4"}


def test_update_that_must_say_what_it_read(rest: Rest) -> None:
    """A custom object, and a Lease, is replaced only by who names its revision."""
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    rest("POST", leases, {"metadata": {"name": "web"}})
    rest("POST", VIRTUAL_SERVICES, virtual_service("web"))
    for path, body in ((leases, {"metadata": {"name": "web"}}), (VIRTUAL_SERVICES, virtual_service("web"))):
        refused = _refused(rest("PUT", f"{path}/web", body), 422, "Invalid")
        assert [cause["field"] for cause in refused["details"]["causes"]] == ["metadata.resourceVersion"]


def test_patch_with_a_revision(rest: Rest) -> None:
    """A merge patch that names an old revision is 409 and changes nothing."""
    made = rest("POST", CONFIG_MAPS, config_map("a", {"x": "1"})).json()
    revision = made["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": revision}, "data": {"x": "2"}}
    assert rest("PATCH", f"{CONFIG_MAPS}/a", patch, kind=MERGE).status_code == 200
    _refused(rest("PATCH", f"{CONFIG_MAPS}/a", {**patch, "data": {"x": "3"}}, kind=MERGE), 409, "Conflict")
    assert rest("GET", f"{CONFIG_MAPS}/a").json()["data"] == {"x": "2"}


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (MERGE, {"spec": {"replicas": 5}}),
        (STRATEGIC, {"spec": {"replicas": 5}}),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 5}]),
    ],
)
def test_patch_of_each_kind(rest: Rest, kind: str, patch: Any) -> None:
    """Merge, strategic merge and JSON patch each change the object."""
    rest("POST", DEPLOYMENTS, deployment("web"))
    changed = rest("PATCH", f"{DEPLOYMENTS}/web", patch, kind=kind).json()
    assert (changed["spec"]["replicas"], changed["metadata"]["generation"]) == (5, 2)


def test_strategic_merge_is_for_built_in_kinds(rest: Rest) -> None:
    """A custom kind takes no strategic merge: 415, and the message names what it takes."""
    rest("POST", VIRTUAL_SERVICES, virtual_service("web"))
    reply = rest("PATCH", f"{VIRTUAL_SERVICES}/web", {"spec": {}}, kind=STRATEGIC)
    assert MERGE in _refused(reply, 415, "UnsupportedMediaType")["message"]


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (MERGE, {"metadata": None}),
        (MERGE, {"metadata": {"name": "b"}}),
        (MERGE, [{"op": "test"}]),
        (MERGE, "text"),
        (STRATEGIC, {"metadata": None}),
        (STRATEGIC, {"$patch": "delete"}),
        (JSON_PATCH, [{"op": "remove", "path": ""}]),
        (JSON_PATCH, {"op": "remove", "path": "/data"}),
        (APPLY, "text"),
    ],
)
def test_patch_that_leaves_no_object(rest: Rest, kind: str, patch: Any) -> None:
    """A patch that takes the name away, or is none of its kind, is 400 and changes nothing."""
    made = rest("POST", CONFIG_MAPS, config_map("a", {"x": "1"})).json()
    _refused(rest("PATCH", f"{CONFIG_MAPS}/a", patch, kind=kind, fieldManager="test"), 400, "BadRequest")
    assert rest("GET", f"{CONFIG_MAPS}/a").json() == made


def test_patch_of_nothing(rest: Rest) -> None:
    """A patch of an object that is not there is 404; only an apply makes one."""
    _refused(rest("PATCH", f"{CONFIG_MAPS}/a", {"data": {}}, kind=MERGE), 404, "NotFound")
    made = rest("PATCH", f"{CONFIG_MAPS}/a", config_map("a", {"x": "1"}), kind=APPLY, fieldManager="helm")
    assert made.status_code == 201


def test_apply_conflict(rest: Rest) -> None:
    """An apply against another's field is 409 with a FieldManagerConflict cause; force wins."""
    rest("PATCH", f"{VIRTUAL_SERVICES}/web", virtual_service("web"), kind=APPLY, fieldManager="helm")
    shifted = virtual_service("web", 90, 10)
    patch = {"spec": shifted["spec"]}
    rest("PATCH", f"{VIRTUAL_SERVICES}/web", patch, kind=MERGE, fieldManager="mcci")
    reply = rest("PATCH", f"{VIRTUAL_SERVICES}/web", virtual_service("web"), kind=APPLY, fieldManager="helm")
    (cause,) = _refused(reply, 409, "Conflict")["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.http")
    assert cause["message"] == 'conflict with "mcci" using networking.istio.io/v1'
    path = f"{VIRTUAL_SERVICES}/web"
    forced = rest("PATCH", path, virtual_service("web"), kind=APPLY, fieldManager="helm", force="true")
    assert forced.json()["spec"] == virtual_service("web")["spec"]


def test_object_that_nobody_owned(rest: Rest) -> None:
    """An object that a controller made has no owners, gets none by an update, and one for all at its first apply."""
    made = rest.store.create(resources.CONFIG_MAPS, config_map("a", {"x": "1", "y": "1"}, namespace="default"))
    assert "managedFields" not in made["metadata"]
    changed = rest("PATCH", f"{CONFIG_MAPS}/a", {"data": {"x": "2"}}, kind=MERGE, fieldManager="mcci").json()
    assert "managedFields" not in changed["metadata"]
    config = config_map("a", {"x": "3"})
    refused = _refused(rest("PATCH", f"{CONFIG_MAPS}/a", config, kind=APPLY, fieldManager="helm"), 409, "Conflict")
    assert "before-first-apply" in refused["message"]
    forced = rest("PATCH", f"{CONFIG_MAPS}/a", config, kind=APPLY, fieldManager="helm", force="true").json()
    assert forced["data"] == {"x": "3", "y": "1"}
    owners = {entry["manager"] for entry in forced["metadata"]["managedFields"]}
    assert owners == {"helm", "before-first-apply"}


def test_apply_in_yaml(rest: Rest) -> None:
    """An apply's body may be YAML, as its media type says."""
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: '1'\n"
    reply = rest("PATCH", f"{CONFIG_MAPS}/a", text, kind=APPLY, fieldManager="helm")
    assert reply.json()["data"] == {"x": "1"}


def test_apply_needs_its_manager(rest: Rest) -> None:
    """An apply without a field manager is 422; one with managedFields of its own is 400."""
    body = config_map("a")
    missing = _refused(rest("PATCH", f"{CONFIG_MAPS}/a", body, kind=APPLY), 422, "Invalid")
    assert "fieldManager: Required value" in missing["message"]
    body["metadata"]["managedFields"] = [{"manager": "x"}]
    _refused(rest("PATCH", f"{CONFIG_MAPS}/a", body, kind=APPLY, fieldManager="helm"), 400, "BadRequest")


def test_equal_apply_is_no_change(rest: Rest) -> None:
    """A second equal apply of a Deployment, whose defaults the server filled in, changes no revision."""
    body = deployment("web")
    first = rest("PATCH", f"{DEPLOYMENTS}/web", body, kind=APPLY, fieldManager="helm").json()
    second = rest("PATCH", f"{DEPLOYMENTS}/web", body, kind=APPLY, fieldManager="helm").json()
    assert second == first


def test_status_is_a_resource_of_its_own(rest: Rest) -> None:
    """The main resource ignores status, /status ignores all else; its writer owns what it wrote as subresource."""
    made = rest("POST", DEPLOYMENTS, {**deployment("web"), "status": {"replicas": 7}}).json()
    assert "replicas" not in made.get("status", {})
    changed = {**made, "spec": {**made["spec"], "replicas": 9}, "status": {"replicas": 1}}
    written = rest("PUT", f"{DEPLOYMENTS}/web/status", changed, fieldManager="controller").json()
    assert (written["spec"]["replicas"], written["status"]) == (1, {"replicas": 1})
    entry = next(item for item in written["metadata"]["managedFields"] if item["manager"] == "controller")
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})


def test_scale(rest: Rest) -> None:
    """A workload's Scale is read, replaced and patched; it changes replicas only."""
    rest("POST", DEPLOYMENTS, deployment("web", replicas=2))
    scale = rest("GET", f"{DEPLOYMENTS}/web/scale").json()
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 2}, "app=web")
    rest("PUT", f"{DEPLOYMENTS}/web/scale", {**scale, "spec": {"replicas": 3}})
    patched = rest("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 4}}, kind=MERGE).json()
    assert patched["spec"] == {"replicas": 4}
    assert rest("GET", f"{DEPLOYMENTS}/web").json()["spec"]["replicas"] == 4
    _refused(rest("PUT", f"{DEPLOYMENTS}/web/scale", {**scale, "spec": {"replicas": 9}}), 409, "Conflict")
    _refused(rest("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": -1}}, kind=MERGE), 422, "Invalid")


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", CONFIG_MAPS, config_map("new"), "application/json"),
        ("PUT", f"{CONFIG_MAPS}/a", config_map("a", {"x": "2"}), "application/json"),
        ("PATCH", f"{CONFIG_MAPS}/a", {"data": {"x": "2"}}, MERGE),
        ("PATCH", f"{CONFIG_MAPS}/new", config_map("new"), APPLY),
        ("DELETE", f"{CONFIG_MAPS}/a", None, "application/json"),
        ("DELETE", CONFIG_MAPS, None, "application/json"),
    ],
)
def test_dry_run(rest: Rest, method: str, path: str, body: Object | None, kind: str) -> None:
    """With dryRun=All a write is answered as if done, and nothing is written."""
    rest("POST", CONFIG_MAPS, config_map("a", {"x": "1"}))
    before = rest.store.revision
    reply = rest(method, path, body, kind=kind, dryRun="All", fieldManager="test")
    assert not reply.is_error, reply.text
    assert rest.store.revision == before


def test_dry_run_is_all_or_nothing(rest: Rest) -> None:
    """There is no other dryRun than All."""
    _refused(rest("POST", CONFIG_MAPS, config_map("a"), dryRun="Some"), 422, "Invalid")


def test_delete_by_selector(rest: Rest) -> None:
    """A delete of a collection takes what its selector takes."""
    for name in ("a", "b"):
        rest("POST", CONFIG_MAPS, config_map(name, labels={"app": name}))
    gone = rest("DELETE", CONFIG_MAPS, labelSelector="app=a").json()
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a"]
    assert [item["metadata"]["name"] for item in rest("GET", CONFIG_MAPS).json()["items"]] == ["b"]


def test_delete_with_preconditions(rest: Rest) -> None:
    """A delete that means another uid is 409; an unknown propagation is 422."""
    rest("POST", CONFIG_MAPS, config_map("a"))
    _refused(rest("DELETE", f"{CONFIG_MAPS}/a", {"preconditions": {"uid": "other"}}), 409, "Conflict")
    _refused(rest("DELETE", f"{CONFIG_MAPS}/a", propagationPolicy="Sideways"), 422, "Invalid")


def test_deleted_pod_is_given_back(rest: Rest) -> None:
    """A pod on a node is answered as it is marked, however fast it ends; one without any grace with a Status."""
    pods = "/api/v1/namespaces/default/pods"
    spec = {"nodeName": "lab", "containers": [{"name": "a", "image": "a:1"}]}
    rest("POST", pods, {"metadata": {"name": "a"}, "spec": spec})
    marked = rest("DELETE", f"{pods}/a").json()
    assert (marked["kind"], marked["metadata"]["deletionGracePeriodSeconds"]) == ("Pod", 30)
    assert rest("DELETE", f"{pods}/a", gracePeriodSeconds="0").json()["kind"] == "Status"
    _refused(rest("GET", f"{pods}/a"), 404, "NotFound")


def test_service_gets_addresses(rest: Rest) -> None:
    """A Service gets an address of its own and keeps it; a LoadBalancer's ports get node ports."""

    def service(name: str, **spec: Any) -> Object:
        return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}

    one = rest("POST", SERVICES, service("one")).json()["spec"]
    two = rest("POST", SERVICES, service("two", type="LoadBalancer")).json()["spec"]
    assert one["clusterIP"] != two["clusterIP"]
    assert one["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert two["ports"][0]["nodePort"] >= 30000
    again = rest("PUT", f"{SERVICES}/two", service("two", type="LoadBalancer")).json()["spec"]
    assert (again["clusterIP"], again["ports"]) == (two["clusterIP"], two["ports"])


def test_secret_texts(rest: Rest) -> None:
    """stringData becomes base64 data, and is not given back."""
    body = {"metadata": {"name": "a"}, "stringData": {"password": "s3"}}
    made = rest("POST", "/api/v1/namespaces/default/secrets", body).json()
    assert (made["data"], made["type"], "stringData" in made) == ({"password": "czM="}, "Opaque", False)


def test_job_pods_are_its_own(rest: Rest) -> None:
    """A Job's selector and its template's labels carry the Job's own uid; both are fixed from then on."""
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    pod: Object = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}
    made = rest("POST", jobs, {"metadata": {"name": "a"}, "spec": {"template": {"spec": pod}}}).json()
    label = {"batch.kubernetes.io/controller-uid": made["metadata"]["uid"]}
    assert made["spec"]["selector"] == {"matchLabels": label}
    assert label.items() <= made["spec"]["template"]["metadata"]["labels"].items()
    pod["containers"][0]["image"] = "a:2"
    reply = rest("PATCH", f"{jobs}/a", {"spec": {"template": {"spec": pod}}}, kind=MERGE)
    assert "field is immutable" in _refused(reply, 422, "Invalid")["message"]
    suspended = rest("PATCH", f"{jobs}/a", {"spec": {"suspend": True}}, kind=MERGE)
    assert suspended.json()["spec"]["suspend"] is True
