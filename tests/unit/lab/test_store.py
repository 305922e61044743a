"""The store keeps objects as etcd and the registry do: revisions, conflicts, watches, owners, finalizers."""

from __future__ import annotations

import queue
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mcci.lab.clusters.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS, Resource
from mcci.lab.clusters.status import ApiError
from mcci.lab.clusters.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.lab.clusters.history import Event

Object = dict[str, Any]


@pytest.fixture
def store() -> Store:
    return Store(clock=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def _body(name: str, spec: Object | None = None, *, owner: Object | None = None) -> Object:
    metadata: Object = {"name": name, "namespace": "shop"}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner["metadata"]["uid"], "name": owner["metadata"]["name"]}]
    return {"metadata": metadata, "spec": spec or {}}


def _events(seen: queue.SimpleQueue[Event]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while not seen.empty():
        event = seen.get()
        found.append((event.type, event.key.name))
    return found


def test_created_object_is_complete(store: Store) -> None:
    """A new object gets its uid, time, revision and, for kinds that count it, generation 1."""
    made = store.create(DEPLOYMENTS, _body("web"))["metadata"]
    assert made["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert (made["generation"], made["resourceVersion"]) == (1, "1")
    assert len(made["uid"]) == 36
    assert "generation" not in store.create(CONFIG_MAPS, _body("a"))["metadata"]


def test_copies_are_the_readers_own(store: Store) -> None:
    """What a reader or a writer does to its copy changes nothing in the store."""
    given = _body("web", {"replicas": 1})
    store.create(DEPLOYMENTS, given)
    given["spec"]["replicas"] = 2
    store.list(DEPLOYMENTS)[0]["spec"]["replicas"] = 3
    found = store.get(DEPLOYMENTS, "web", "shop")
    assert found is not None
    assert found["spec"]["replicas"] == 1


def test_second_create_is_refused(store: Store) -> None:
    """There is one object of a name; another kind and another namespace may have it too."""
    store.create(CONFIG_MAPS, _body("a"))
    with pytest.raises(ApiError, match='configmaps "a" already exists') as caught:
        store.create(CONFIG_MAPS, _body("a"))
    assert (caught.value.code, caught.value.reason) == (409, "AlreadyExists")
    store.create(DEPLOYMENTS, _body("a"))
    store.create(CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "other"}})


def test_stale_write_is_refused(store: Store) -> None:
    """Of two writers that read the same revision, the second gets 409 and nothing of it is written."""
    first = store.create(DEPLOYMENTS, _body("web"))
    second = store.get(DEPLOYMENTS, "web", "shop")
    assert second is not None
    store.update(DEPLOYMENTS, {**first, "spec": {"replicas": 2}})
    with pytest.raises(ApiError, match="object has been modified") as caught:
        store.update(DEPLOYMENTS, {**second, "spec": {"replicas": 3}})
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    assert store.list(DEPLOYMENTS)[0]["spec"] == {"replicas": 2}


def test_wrong_uid_is_refused(store: Store) -> None:
    """A writer that means an object of before its name was used again gets 409."""
    store.create(CONFIG_MAPS, _body("a"))
    with pytest.raises(ApiError, match="UID in precondition: old"):
        store.delete(CONFIG_MAPS, "a", "shop", preconditions={"uid": "old"})
    assert store.get(CONFIG_MAPS, "a", "shop") is not None


def test_unchanged_write_is_no_event(store: Store) -> None:
    """A write that changes nothing keeps the revision and tells nobody."""
    made = store.create(DEPLOYMENTS, _body("web"))
    seen: queue.SimpleQueue[Event] = queue.SimpleQueue()
    store.watch(DEPLOYMENTS, seen.put, since=store.revision)
    assert store.update(DEPLOYMENTS, made)["metadata"]["resourceVersion"] == "1"
    assert _events(seen) == []


def test_generation_counts_specs_only(store: Store) -> None:
    """Status and metadata leave the generation; the spec counts it up."""
    store.create(DEPLOYMENTS, _body("web"))
    store.change(DEPLOYMENTS, "web", "shop", lambda body: body.update(status={"replicas": 1}))
    store.change(DEPLOYMENTS, "web", "shop", lambda body: body["metadata"].update(labels={"a": "b"}))
    assert store.list(DEPLOYMENTS)[0]["metadata"]["generation"] == 1
    store.change(DEPLOYMENTS, "web", "shop", lambda body: body["spec"].update(replicas=2))
    assert store.list(DEPLOYMENTS)[0]["metadata"]["generation"] == 2


def test_status_is_apart(store: Store) -> None:
    """A write of the object leaves the status, and a write of the status leaves the object."""
    made = store.create(DEPLOYMENTS, _body("web", {"replicas": 1}))
    both = {**made, "spec": {"replicas": 2}, "status": {"replicas": 9}}
    written = store.update(DEPLOYMENTS, both)
    assert (written["spec"], written.get("status")) == ({"replicas": 2}, None)
    written = store.update(DEPLOYMENTS, {**written, "spec": {"replicas": 3}, "status": {"replicas": 2}}, status=True)
    assert (written["spec"], written["status"]) == ({"replicas": 2}, {"replicas": 2})


def test_watch_begins_with_what_is_there(store: Store) -> None:
    """A watch from nowhere tells every object of the kind and namespace as ADDED, then what changes, in order."""
    store.create(CONFIG_MAPS, _body("a"))
    store.create(CONFIG_MAPS, {"metadata": {"name": "z", "namespace": "other"}})
    store.create(DEPLOYMENTS, _body("web"))
    seen: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stop = store.watch(CONFIG_MAPS, seen.put, "shop")
    store.create(CONFIG_MAPS, _body("b"))
    store.change(CONFIG_MAPS, "a", "shop", lambda body: body.update(data={"x": "y"}))
    store.delete(CONFIG_MAPS, "b", "shop")
    stop()
    store.create(CONFIG_MAPS, _body("c"))
    assert _events(seen) == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]


def test_watch_from_a_revision_misses_nothing(store: Store) -> None:
    """A watch from a list's revision replays all that came after it, and only that."""
    store.create(CONFIG_MAPS, _body("a"))
    _, revision = store.snapshot(CONFIG_MAPS)
    store.create(CONFIG_MAPS, _body("b"))
    store.delete(CONFIG_MAPS, "a", "shop")
    seen: queue.SimpleQueue[Event] = queue.SimpleQueue()
    store.watch(CONFIG_MAPS, seen.put, since=revision)
    assert _events(seen) == [("ADDED", "b"), ("DELETED", "a")]


def test_watch_from_too_long_ago_is_gone() -> None:
    """A watch from before the events that are kept gets 410, after compaction and after so many events."""
    store = Store(kept_events=2)
    for name in "abcd":
        store.create(CONFIG_MAPS, _body(name))
    store.watch(CONFIG_MAPS, lambda _: None, since=2)
    with pytest.raises(ApiError, match="too old resource version") as caught:
        store.watch(CONFIG_MAPS, lambda _: None, since=1)
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    store.compact()
    with pytest.raises(ApiError, match="too old"):
        store.watch(CONFIG_MAPS, lambda _: None, since=3)
    store.watch(CONFIG_MAPS, lambda _: None, since=4)


def test_owned_goes_with_its_owner(store: Store) -> None:
    """Deleting an owner deletes what it owns, and what that owns; what somebody else owns too stays with that one."""
    deployment = store.create(DEPLOYMENTS, _body("web"))
    other = store.create(DEPLOYMENTS, _body("other"))
    replica_set = store.create(REPLICA_SETS, _body("web-1", owner=deployment))
    store.create(PODS, _body("web-1-x", owner=replica_set))
    shared = _body("shared", owner=deployment)
    shared["metadata"]["ownerReferences"].append({"uid": other["metadata"]["uid"], "name": "other"})
    store.create(CONFIG_MAPS, shared)
    store.delete(DEPLOYMENTS, "web", "shop")
    assert store.list(REPLICA_SETS) == store.list(PODS) == []
    (left,) = store.list(CONFIG_MAPS)
    assert [owner["name"] for owner in left["metadata"]["ownerReferences"]] == ["other"]


def test_orphans_stay(store: Store) -> None:
    """With Orphan what was owned stays, without its owner."""
    deployment = store.create(DEPLOYMENTS, _body("web"))
    store.create(REPLICA_SETS, _body("web-1", owner=deployment))
    store.delete(DEPLOYMENTS, "web", "shop", propagation="Orphan")
    (left,) = store.list(REPLICA_SETS)
    assert "ownerReferences" not in left["metadata"]


def test_foreground_waits_for_what_is_owned(store: Store) -> None:
    """With Foreground the owner goes last: only once a pod's grace period is over."""
    deployment = store.create(DEPLOYMENTS, _body("web"))
    replica_set = store.create(REPLICA_SETS, _body("web-1", owner=deployment))
    store.create(PODS, _body("web-1-x", {"nodeName": "lab"}, owner=replica_set))
    store.delete(DEPLOYMENTS, "web", "shop", propagation="Foreground")
    (left,) = store.list(DEPLOYMENTS)
    assert left["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert "deletionTimestamp" in left["metadata"]
    store.delete(PODS, "web-1-x", "shop", grace_seconds=0)
    assert store.list(DEPLOYMENTS) == store.list(REPLICA_SETS) == []


def test_child_of_a_dead_owner_goes_at_once(store: Store) -> None:
    """An object made for an owner that is gone does not stay behind."""
    deployment = store.create(DEPLOYMENTS, _body("web"))
    store.delete(DEPLOYMENTS, "web", "shop")
    store.create(REPLICA_SETS, _body("web-1", owner=deployment))
    assert store.list(REPLICA_SETS) == []


def test_pod_on_a_node_has_its_grace(store: Store) -> None:
    """A running pod is only marked, for its own grace period; a second delete without any removes it."""
    store.create(PODS, _body("x", {"nodeName": "lab", "terminationGracePeriodSeconds": 5}))
    marked = store.delete(PODS, "x", "shop")["metadata"]
    assert marked["deletionTimestamp"] == "2026-01-02T03:04:10Z"
    assert marked["deletionGracePeriodSeconds"] == 5
    assert store.get(PODS, "x", "shop") is not None
    store.delete(PODS, "x", "shop", grace_seconds=0)
    assert store.get(PODS, "x", "shop") is None


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        (CONFIG_MAPS, {"metadata": {"name": "a", "namespace": "shop", "finalizers": ["example.com/wait"]}}),
        (NAMESPACES, {"metadata": {"name": "a"}, "spec": {"finalizers": ["kubernetes"]}}),
    ],
)
def test_finalizers_hold(store: Store, resource: Resource, body: Object) -> None:
    """An object with finalizers, and a namespace with its own, goes when the last one is taken away."""
    store.create(resource, body)
    namespace = body["metadata"].get("namespace", "")
    assert "deletionTimestamp" in store.delete(resource, "a", namespace)["metadata"]

    def release(found: Object) -> None:
        found["metadata"].pop("finalizers", None)
        found["spec"] = {}

    store.change(resource, "a", namespace, release)
    assert store.get(resource, "a", namespace) is None


def test_dry_run_writes_nothing(store: Store) -> None:
    """A dry run answers as the write would, and leaves revision and objects."""
    made = store.create(DEPLOYMENTS, _body("web", {"replicas": 1}))
    assert store.create(CONFIG_MAPS, _body("a"), dry_run=True)["metadata"]["uid"]
    assert store.update(DEPLOYMENTS, {**made, "spec": {"replicas": 2}}, dry_run=True)["metadata"]["generation"] == 2
    store.delete(DEPLOYMENTS, "web", "shop", dry_run=True)
    assert (store.revision, store.list(CONFIG_MAPS), store.list(DEPLOYMENTS)) == (1, [], [made])


def test_state_outlives_the_process(tmp_path: Path) -> None:
    """What was written is there after a restart, with revisions that go on; watches from before it are gone."""
    store = Store(tmp_path / "objects.sqlite")
    deployment = store.create(DEPLOYMENTS, _body("web"))
    replica_set = store.create(REPLICA_SETS, _body("web-1", owner=deployment))
    store.create(CONFIG_MAPS, _body("gone"))
    store.delete(CONFIG_MAPS, "gone", "shop")
    store.close()
    again = Store(tmp_path / "objects.sqlite")
    assert (again.list(DEPLOYMENTS), again.list(REPLICA_SETS)) == ([deployment], [replica_set])
    assert (again.list(CONFIG_MAPS), again.revision) == ([], 4)
    with pytest.raises(ApiError, match="too old"):
        again.watch(DEPLOYMENTS, lambda _: None, since=3)
    again.delete(DEPLOYMENTS, "web", "shop")
    assert again.list(REPLICA_SETS) == []
