"""Patches: merge, strategic merge, JSON patch, and server-side apply with its owners of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.api import APPLY, JSON_PATCH, MERGE, STRATEGIC, good, status
from tests.contract.objects import IMAGE, config_map, deployment

if TYPE_CHECKING:
    import httpx

    from tests.contract.api import Cluster


def _map(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _apply(cluster: Cluster, path: str, manager: str, body: dict[str, Any], **params: str) -> httpx.Response:
    return cluster.admin.patch(path, APPLY, body, fieldManager=manager, **params)


def test_merge(cluster: Cluster, namespace: str) -> None:
    """A merge patch sets keys, and null takes them away."""
    good(cluster.admin.post(_map(namespace), config_map("a", {"x": "1", "y": "2"})))
    patched = good(cluster.admin.patch(f"{_map(namespace)}/a", MERGE, {"data": {"x": None, "z": "3"}}))
    assert patched["data"] == {"y": "2", "z": "3"}


def test_merge_needs_the_version_it_names(cluster: Cluster, namespace: str) -> None:
    """A patch that names a resourceVersion is refused once that is not the current one."""
    made = good(cluster.admin.post(_map(namespace), config_map("a", {"x": "1"})))
    version = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    good(cluster.admin.patch(f"{_map(namespace)}/a", MERGE, {**version, "data": {"x": "2"}}))
    status(cluster.admin.patch(f"{_map(namespace)}/a", MERGE, {**version, "data": {"x": "3"}}), 409, "Conflict")


def test_merge_of_nothing(cluster: Cluster, namespace: str) -> None:
    """A patch of an object that is not there is a 404."""
    status(cluster.admin.patch(f"{_map(namespace)}/none", MERGE, {"data": {}}), 404, "NotFound")


def test_strategic_merges_lists_by_key(cluster: Cluster, namespace: str) -> None:
    """A strategic patch changes the container of that name, adds another, and leaves the rest."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    good(cluster.admin.post(path, deployment("d", replicas=0)))
    containers = [{"name": "main", "env": [{"name": "A", "value": "1"}]}, {"name": "side", "image": "side:1"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    patched = good(cluster.admin.patch(f"{path}/d", STRATEGIC, body))
    found = {each["name"]: each for each in patched["spec"]["template"]["spec"]["containers"]}
    assert found["main"]["image"] == IMAGE
    assert found["main"]["env"] == [{"name": "A", "value": "1"}]
    assert found["main"]["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    assert found["side"]["image"] == "side:1"


def test_strategic_deletes_and_replaces(cluster: Cluster, namespace: str) -> None:
    """`$patch: delete` takes a list's entry away, `$patch: replace` the rest of a map."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    good(cluster.admin.post(path, deployment("d", replicas=0)))
    two = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}
    good(cluster.admin.patch(f"{path}/d", STRATEGIC, two))
    gone = {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}
    patched = good(cluster.admin.patch(f"{path}/d", STRATEGIC, gone))
    assert [each["name"] for each in patched["spec"]["template"]["spec"]["containers"]] == ["main"]
    replaced = {"metadata": {"labels": {"$patch": "replace", "only": "this"}}}
    assert good(cluster.admin.patch(f"{path}/d", STRATEGIC, replaced))["metadata"]["labels"] == {"only": "this"}


def test_json_patch(cluster: Cluster, namespace: str) -> None:
    """A JSON patch tests, adds, replaces and removes; a failed test changes nothing."""
    good(cluster.admin.post(_map(namespace), config_map("a", {"x": "1"})))
    steps = [
        {"op": "test", "path": "/data/x", "value": "1"},
        {"op": "replace", "path": "/data/x", "value": "2"},
        {"op": "add", "path": "/data/y~1z", "value": "3"},
    ]
    path = f"{_map(namespace)}/a"
    refused = cluster.admin.patch(path, JSON_PATCH, steps)
    assert refused.status_code == 422  # a key may not hold a slash
    steps[2] = {"op": "add", "path": "/data/y", "value": "3"}
    assert good(cluster.admin.patch(path, JSON_PATCH, steps))["data"] == {"x": "2", "y": "3"}
    assert cluster.admin.patch(path, JSON_PATCH, steps).is_error
    assert good(cluster.admin.get(path))["data"] == {"x": "2", "y": "3"}


def test_unknown_patch_type(cluster: Cluster, namespace: str) -> None:
    """A patch of another media type is refused."""
    good(cluster.admin.post(_map(namespace), config_map("a")))
    status(cluster.admin.patch(f"{_map(namespace)}/a", "application/json", {}), 415, "UnsupportedMediaType")


def test_dry_run(cluster: Cluster, namespace: str) -> None:
    """A patch's dry run answers with the result and writes nothing."""
    good(cluster.admin.post(_map(namespace), config_map("a", {"x": "1"})))
    patched = good(cluster.admin.patch(f"{_map(namespace)}/a", MERGE, {"data": {"x": "2"}}, dryRun="All"))
    assert patched["data"] == {"x": "2"}
    assert good(cluster.admin.get(f"{_map(namespace)}/a"))["data"] == {"x": "1"}


def test_apply_makes_and_changes(cluster: Cluster, namespace: str) -> None:
    """Apply makes what is not there (201), and notes whose fields they are."""
    path = f"{_map(namespace)}/a"
    reply = _apply(cluster, path, "one", config_map("a", {"x": "1", "y": "2"}))
    made = good(reply, 201)
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["fieldsType"]) == ("one", "Apply", "FieldsV1")
    assert entry["fieldsV1"]["f:data"] == {"f:x": {}, "f:y": {}}
    changed = good(_apply(cluster, path, "one", config_map("a", {"x": "3"})), 200)
    assert changed["data"] == {"x": "3"}  # what one applied before and now leaves out is gone


def test_apply_needs_a_manager(cluster: Cluster, namespace: str) -> None:
    """Apply without a field manager is refused."""
    reply = cluster.admin.patch(f"{_map(namespace)}/a", APPLY, config_map("a"))
    assert reply.status_code in (400, 422)
    assert "fieldManager" in reply.json()["message"]


def test_apply_conflict(cluster: Cluster, namespace: str) -> None:
    """Another manager's field is refused, with a cause for each field; with force it changes hands."""
    path = f"{_map(namespace)}/a"
    good(_apply(cluster, path, "one", config_map("a", {"x": "1", "y": "1"})))
    refused = status(_apply(cluster, path, "two", config_map("a", {"x": "2", "z": "2"})), 409, "Conflict")
    (cause,) = refused["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.x")
    assert 'conflict with "one"' in cause["message"]
    forced = good(_apply(cluster, path, "two", config_map("a", {"x": "2", "z": "2"}), force="true"))
    assert forced["data"] == {"x": "2", "y": "1", "z": "2"}
    owners = {each["manager"]: each["fieldsV1"]["f:data"] for each in forced["metadata"]["managedFields"]}
    assert owners == {"one": {"f:y": {}}, "two": {"f:x": {}, "f:z": {}}}


def test_apply_shares_what_is_the_same(cluster: Cluster, namespace: str) -> None:
    """Two managers may own a field that both want alike; it goes only when neither wants it."""
    path = f"{_map(namespace)}/a"
    good(_apply(cluster, path, "one", config_map("a", {"x": "1", "y": "1"})))
    good(_apply(cluster, path, "two", config_map("a", {"x": "1"})))
    assert good(_apply(cluster, path, "one", config_map("a", {"y": "1"})))["data"] == {"x": "1", "y": "1"}
    assert good(_apply(cluster, path, "two", config_map("a")))["data"] == {"y": "1"}


def test_apply_against_an_update(cluster: Cluster, namespace: str) -> None:
    """What was changed by a patch belongs to who patched: applying it again conflicts."""
    path = f"{_map(namespace)}/a"
    good(_apply(cluster, path, "one", config_map("a", {"x": "1"})))
    good(cluster.admin.patch(path, MERGE, {"data": {"x": "2"}}, fieldManager="canary"))
    refused = status(_apply(cluster, path, "one", config_map("a", {"x": "1"})), 409, "Conflict")
    assert 'conflict with "canary" using v1' in refused["details"]["causes"][0]["message"]


def test_apply_lists_by_key(cluster: Cluster, namespace: str) -> None:
    """In a Deployment containers are told apart by name: each manager owns its own."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/d"
    good(_apply(cluster, path, "one", deployment("d", replicas=0)))
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}}
    head = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    both = good(_apply(cluster, path, "two", {**head, **side}))
    names = [each["name"] for each in both["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["main", "side"]
    again = good(_apply(cluster, path, "one", deployment("d", replicas=0)))
    assert len(again["spec"]["template"]["spec"]["containers"]) == 2


def test_apply_dry_run(cluster: Cluster, namespace: str) -> None:
    """Apply's dry run writes nothing, and tells of a conflict."""
    path = f"{_map(namespace)}/a"
    assert good(_apply(cluster, path, "one", config_map("a", {"x": "1"}), dryRun="All"))["data"] == {"x": "1"}
    status(cluster.admin.get(path), 404, "NotFound")
    good(_apply(cluster, path, "one", config_map("a", {"x": "1"})))
    status(_apply(cluster, path, "two", config_map("a", {"x": "2"}), dryRun="All"), 409, "Conflict")
