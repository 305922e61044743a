"""Watches: every change in order, from where a list ended; bookmarks; and the end of what is remembered."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import MERGE, good
from tests.contract.objects import config_map

if TYPE_CHECKING:
    from tests.contract.api import Cluster


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _steps(cluster: Cluster, namespace: str) -> None:
    good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"}, labels={"mine": "1"})))
    good(cluster.admin.patch(f"{_path(namespace)}/a", MERGE, {"data": {"x": "2"}}))
    good(cluster.admin.delete(f"{_path(namespace)}/a"))


def _told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["type"], each["object"]["data"]["x"]) for each in events]


def test_changes_since_a_list(cluster: Cluster, namespace: str) -> None:
    """A watch from a list's version tells what came after it, in order, with versions that grow."""
    since = good(cluster.admin.get(_path(namespace)))["metadata"]["resourceVersion"]
    _steps(cluster, namespace)
    events = list(
        itertools.islice(cluster.admin.watch(_path(namespace), resourceVersion=since, labelSelector="mine=1"), 3)
    )
    assert _told(events) == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
    assert versions == sorted(set(versions))


def test_changes_as_they_happen(cluster: Cluster, namespace: str) -> None:
    """A watch without a version tells first what there is, then what changes while it is open."""
    good(cluster.admin.post(_path(namespace), config_map("b", {"x": "0"}, labels={"mine": "1"})))
    events = []
    for event in cluster.admin.watch(_path(namespace), labelSelector="mine=1"):
        events.append(event)
        if len(events) == 1:
            threading.Thread(target=_steps, args=(cluster, namespace)).start()
        if len(events) == 4:
            break
    assert _told(events) == [("ADDED", "0"), ("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_selector_change(cluster: Cluster, namespace: str) -> None:
    """What no longer matches the watch's selector is told as DELETED, what matches now as ADDED."""
    since = good(cluster.admin.get(_path(namespace)))["metadata"]["resourceVersion"]
    good(cluster.admin.post(_path(namespace), config_map("a", {"x": "1"}, labels={"color": "red"})))
    good(cluster.admin.patch(f"{_path(namespace)}/a", MERGE, {"metadata": {"labels": {"color": "blue"}}}))
    good(cluster.admin.patch(f"{_path(namespace)}/a", MERGE, {"metadata": {"labels": {"color": "red"}}}))
    watch = cluster.admin.watch(_path(namespace), resourceVersion=since, labelSelector="color=red")
    assert [each["type"] for each in itertools.islice(watch, 3)] == ["ADDED", "DELETED", "ADDED"]


def test_one_object(cluster: Cluster, namespace: str) -> None:
    """A watch by metadata.name tells of that object alone."""
    since = good(cluster.admin.get(_path(namespace)))["metadata"]["resourceVersion"]
    for name in ("a", "b"):
        good(cluster.admin.post(_path(namespace), config_map(name)))
    watch = cluster.admin.watch(_path(namespace), resourceVersion=since, fieldSelector="metadata.name=b")
    assert next(watch)["object"]["metadata"]["name"] == "b"


def test_ends_in_time(cluster: Cluster, namespace: str) -> None:
    """A watch ends after timeoutSeconds, without an error."""
    watch = cluster.admin.watch(_path(namespace), timeoutSeconds="1", labelSelector="none=there")
    assert list(watch) == []


@pytest.mark.since("1.32")
def test_initial_events(cluster: Cluster, namespace: str) -> None:
    """With sendInitialEvents a bookmark ends the list of what there is."""
    for name in ("a", "b"):
        good(cluster.admin.post(_path(namespace), config_map(name, labels={"mine": "1"})))
    asked = {
        "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true",
        "labelSelector": "mine=1",
    }  # fmt: skip
    first, second, mark = itertools.islice(cluster.admin.watch(_path(namespace), **asked), 3)
    assert {first["object"]["metadata"]["name"], second["object"]["metadata"]["name"]} == {"a", "b"}
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.own_server
def test_too_old(cluster: Cluster, namespace: str) -> None:
    """A watch from a version that is long past is told 410 Expired, whether as an answer or as an event."""
    cluster.compact()
    (event,) = itertools.islice(cluster.admin.watch(_path(namespace), resourceVersion="1"), 1)
    assert event["type"] == "ERROR"
    assert (event["object"]["kind"], event["object"]["code"]) == ("Status", 410)
    assert event["object"]["reason"] in ("Expired", "Gone")


def test_all_namespaces(cluster: Cluster, namespace: str) -> None:
    """A watch of a kind tells of every namespace."""
    since = good(cluster.admin.get("/api/v1/configmaps"))["metadata"]["resourceVersion"]
    good(cluster.admin.post(_path(namespace), config_map("mine")))
    for event in cluster.admin.watch("/api/v1/configmaps", resourceVersion=since):
        if event["object"]["metadata"]["namespace"] == namespace:
            break
    assert event["object"]["metadata"]["name"] == "mine"
