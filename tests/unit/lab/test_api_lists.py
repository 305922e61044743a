"""Lists and watches over REST: selectors, pages, tables, and how a watcher sees what changes."""

from __future__ import annotations

from typing import Any

import pytest

from mcci.lab.clusters import resources
from mcci.lab.clusters.api.selectors import selects
from mcci.lab.clusters.status import ApiError
from tests.unit.lab.rest import CONFIG_MAPS, DEPLOYMENTS, Rest, config_map, deployment

Object = dict[str, Any]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture
def rest() -> Rest:
    return Rest()


def _names(body: Object) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=other", False),
        ("app!=web", False),
        ("absent!=web", True),
        ("app in (web, other)", True),
        ("app in (other)", False),
        ("app notin (other)", True),
        ("absent notin (web)", True),
        ("absent in (web)", False),
        ("app", True),
        ("absent", False),
        ("!absent", True),
        ("!app", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app in (web,other),tier=front", True),
        ("example.com/a-b=c.d", True),
        ("", True),
    ],
)
def test_label_selectors(selector: str, expected: bool) -> None:
    """Equality, sets and existence, joined by commas; an object without the label passes what excludes values."""
    labels = {"app": "web", "tier": "front", "example.com/a-b": "c.d"}
    assert selects("ConfigMap", selector, "")({"metadata": {"labels": labels}}) is expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=a", True),
        ("metadata.name!=a", False),
        ("status.phase=Running,metadata.name=a", True),
        ("spec.nodeName=", True),
        ("spec.hostNetwork=true", True),
    ],
)
def test_field_selectors(selector: str, expected: bool) -> None:
    """Fields by their path; one that is not there is empty."""
    body = {"metadata": {"name": "a"}, "spec": {"hostNetwork": True}, "status": {"phase": "Running"}}
    assert selects("Pod", "", selector)(body) is expected


@pytest.mark.parametrize(
    ("labels", "fields"), [("a b", ""), ("=x", ""), ("", "metadata.name"), ("a in b", ""), ("", "data.x=1")]
)
def test_selector_that_cannot_be_read(labels: str, fields: str) -> None:
    """A selector that makes no sense is 400."""
    with pytest.raises(ApiError) as caught:
        selects("ConfigMap", labels, fields)
    assert caught.value.code == 400


def test_list_by_selector_and_namespace(rest: Rest) -> None:
    """A list is of one namespace or of all, and of what the selectors take; its kind and revision are the list's."""
    rest("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    rest("POST", CONFIG_MAPS, config_map("a", labels={"app": "web"}))
    rest("POST", "/api/v1/namespaces/shop/configmaps", config_map("b", labels={"app": "web"}))
    rest("POST", "/api/v1/namespaces/shop/configmaps", config_map("c"))
    everywhere = rest("GET", "/api/v1/configmaps", labelSelector="app=web").json()
    assert _names(everywhere) == ["a", "b"]
    assert (everywhere["kind"], everywhere["apiVersion"]) == ("ConfigMapList", "v1")
    assert everywhere["metadata"]["resourceVersion"] == str(rest.store.revision)
    assert _names(rest("GET", "/api/v1/namespaces/shop/configmaps", fieldSelector="metadata.name=c").json()) == ["c"]


def _next(rest: Rest, limit: str, page: Object) -> Object:
    found: Object = rest("GET", f"{CONFIG_MAPS}?limit={limit}&continue={page['metadata']['continue']}").json()
    return found


def test_pages(rest: Rest) -> None:
    """With `limit` a list comes in pages, each object once, and says how many are left."""
    for name in "edcba":
        rest("POST", CONFIG_MAPS, config_map(name))
    first = rest("GET", CONFIG_MAPS, limit="2").json()
    assert (_names(first), first["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    second = _next(rest, "2", first)
    last = _next(rest, "2", second)
    assert (_names(second), _names(last)) == (["c", "d"], ["e"])
    assert "continue" not in last["metadata"]


def test_page_of_before_compaction(rest: Rest) -> None:
    """After compaction an old page cannot be continued: 410 Expired; a token that is none is 400."""
    for name in "abc":
        rest("POST", CONFIG_MAPS, config_map(name))
    token = rest("GET", CONFIG_MAPS, limit="1").json()["metadata"]["continue"]
    rest("POST", CONFIG_MAPS, config_map("d"))
    rest.store.compact()
    reply = rest("GET", f"{CONFIG_MAPS}?continue={token}")
    assert (reply.status_code, reply.json()["reason"]) == (410, "Expired")
    assert rest("GET", f"{CONFIG_MAPS}?continue=x").status_code == 400


def test_tables(rest: Rest) -> None:
    """Asked for a Table, as kubectl does, the answer has columns, cells and each row's metadata."""
    rest("POST", DEPLOYMENTS, deployment("web", replicas=3))
    table = rest("GET", DEPLOYMENTS, accept=TABLE).json()
    assert table["kind"] == "Table"
    names = [column["name"] for column in table["columnDefinitions"]]
    assert names == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:4] == ["web", "0/3", 0, 0]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert rest("GET", f"{DEPLOYMENTS}/web", accept=TABLE).json()["rows"][0]["cells"][0] == "web"


def test_watch_tells_what_changes(rest: Rest) -> None:
    """A watch from a list's revision tells what comes after it, and bookmarks where asked."""
    rest("POST", CONFIG_MAPS, config_map("before"))
    revision = rest("GET", CONFIG_MAPS).json()["metadata"]["resourceVersion"]

    def change() -> None:
        rest.store.create(resources.CONFIG_MAPS, config_map("a", namespace="default"))
        rest.store.change(resources.CONFIG_MAPS, "a", "default", lambda body: body.update(data={"x": "1"}))
        rest.store.delete(resources.CONFIG_MAPS, "a", "default")

    events = rest.watch(CONFIG_MAPS, change, resourceVersion=revision)
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert events[1]["object"]["data"] == {"x": "1"}
    assert events[1]["object"]["kind"] == "ConfigMap"


def test_watch_from_nowhere_begins_with_all(rest: Rest) -> None:
    """Without a revision a watch begins with what is there; with bookmarks it ends with the newest revision."""
    rest("POST", CONFIG_MAPS, config_map("a"))
    events = rest.watch(CONFIG_MAPS, allowWatchBookmarks="true")
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    bookmark = events[1]["object"]
    assert (bookmark["kind"], bookmark["metadata"]["resourceVersion"]) == ("ConfigMap", str(rest.store.revision))


def test_initial_events_end_with_a_bookmark(rest: Rest) -> None:
    """With sendInitialEvents the end of what was there is marked, even where nothing was."""
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    rest("POST", CONFIG_MAPS, config_map("a"))

    def change() -> None:
        rest.store.create(resources.CONFIG_MAPS, config_map("b", namespace="default"))

    first, mark, second, *_ = rest.watch(CONFIG_MAPS, change, **query)
    assert (first["type"], mark["type"], second["type"]) == ("ADDED", "BOOKMARK", "ADDED")
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert (first["object"]["metadata"]["name"], second["object"]["metadata"]["name"]) == ("a", "b")


def test_initial_events_need_a_match(rest: Rest) -> None:
    """sendInitialEvents without resourceVersionMatch is 422, as real servers have it."""
    reply = rest("GET", CONFIG_MAPS, watch="true", sendInitialEvents="true")
    assert (reply.status_code, reply.json()["reason"]) == (422, "Invalid")


def test_watch_with_a_selector(rest: Rest) -> None:
    """An object that comes to be selected is ADDED, one that no longer is, DELETED; others are not told."""
    revision = str(rest.store.revision)

    def change() -> None:
        rest.store.create(resources.CONFIG_MAPS, config_map("a", namespace="default"))
        for labels in ({"app": "web"}, {"app": "web", "x": "y"}, {"app": "other"}):
            found = rest.store.get(resources.CONFIG_MAPS, "a", "default")
            assert found is not None
            found["metadata"]["labels"] = labels
            rest.store.update(resources.CONFIG_MAPS, found)
        rest.store.delete(resources.CONFIG_MAPS, "a", "default")

    events = rest.watch(CONFIG_MAPS, change, resourceVersion=revision, labelSelector="app=web")
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]


def test_watch_of_one_object(rest: Rest) -> None:
    """A watch of a name, by its path or a field selector, tells of that object only."""
    for name in "ab":
        rest("POST", CONFIG_MAPS, config_map(name))
    (event,) = rest.watch(f"{CONFIG_MAPS}/b")
    assert event["object"]["metadata"]["name"] == "b"


def test_watch_from_too_long_ago(rest: Rest) -> None:
    """A watch from before compaction is told so by an ERROR event with 410."""
    revision = str(rest.store.revision)
    rest("POST", CONFIG_MAPS, config_map("a"))
    rest.store.compact()
    (event,) = rest.watch(CONFIG_MAPS, resourceVersion=revision)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_watch_ends_in_time(rest: Rest) -> None:
    """A watch ends by itself after timeoutSeconds."""
    reply = rest("GET", CONFIG_MAPS, watch="true", timeoutSeconds="1")
    assert (reply.status_code, reply.text) == (200, "")
