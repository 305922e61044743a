"""Patches: what each kind does to an object, as the RFCs and Kubernetes' own page on strategic merge say."""

from __future__ import annotations

from typing import Any

import pytest

from mcci.lab.clusters.patches import json_patch
from mcci.lab.clusters.patches.merge import merge
from mcci.lab.clusters.patches.strategic import strategic_merge
from mcci.lab.clusters.schemas.schema import built_in
from mcci.lab.clusters.status import ApiError

Object = dict[str, Any]
DEPLOYMENT = built_in("apps", "v1", "Deployment")


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": {"b": "c", "d": 1}}, {"a": {"b": None}}, {"a": {"d": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"b": {"c": None, "d": {"e": None}}}, {"a": 1, "b": {"d": {}}}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_merge_patch(target: Object, patch: Object, expected: Object) -> None:
    """RFC 7396: null removes, objects merge, all else replaces."""
    assert merge(target, patch) == expected


@pytest.mark.parametrize(
    ("target", "operations", "expected"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": {"b": 1, "c": 2}}, [{"op": "remove", "path": "/a/b"}], {"a": {"c": 2}}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9, 2]}),
        ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"x/y": {"~": 1}}, [{"op": "replace", "path": "/x~1y/~0", "value": 2}], {"x/y": {"~": 2}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}], {}),
    ],
)
def test_json_patch(target: Object, operations: list[Object], expected: Object) -> None:
    """RFC 6902: each operation at its JSON pointer, one after another."""
    before = repr(target)
    assert json_patch.apply(target, operations) == expected
    assert repr(target) == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "test", "path": "/a", "value": 2},
        {"op": "add", "path": "/l/5", "value": 2},
        {"op": "add", "path": "/l/x", "value": 2},
        {"op": "frobnicate", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"path": "/a"},
    ],
)
def test_json_patch_that_fails(operation: Object) -> None:
    """An operation that cannot be done is the client's error (422), and names the operation."""
    with pytest.raises(ApiError, match="error in our request") as caught:
        json_patch.apply({"a": 1, "l": [1]}, [operation])
    assert caught.value.code == 422


def test_json_patch_is_a_list() -> None:
    """An object is no JSON patch."""
    with pytest.raises(ApiError, match="is a list of operations"):
        json_patch.apply({}, {"op": "add"})


def _containers(*containers: Object) -> Object:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}}}


def _merged(target: Object, patch: Object) -> list[Object]:
    found: list[Object] = strategic_merge(target, patch, DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
    return found


def test_strategic_merges_lists_by_key() -> None:
    """A container is found by its name, however the lists are ordered; a new one is added."""
    target = _containers({"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1", "args": ["x"]})
    patch = _containers({"name": "b", "image": "b:2"}, {"name": "c", "image": "c:1"})
    assert _merged(target, patch) == [
        {"name": "a", "image": "a:1"},
        {"name": "b", "image": "b:2", "args": ["x"]},
        {"name": "c", "image": "c:1"},
    ]


def test_strategic_without_a_key_replaces() -> None:
    """A list that has no merge strategy (args) is replaced as a whole."""
    target = _containers({"name": "a", "args": ["x", "y"]})
    assert _merged(target, _containers({"name": "a", "args": ["z"]})) == [{"name": "a", "args": ["z"]}]


def test_strategic_deletes_items() -> None:
    """`$patch: delete` removes the item of that key, null removes a field, and both leave the rest."""
    target = _containers({"name": "a", "image": "a:1", "args": ["x"]}, {"name": "b"})
    assert _merged(target, _containers({"name": "b", "$patch": "delete"}, {"name": "a", "args": None})) == [
        {"name": "a", "image": "a:1"}
    ]


def test_strategic_replaces_on_demand() -> None:
    """`$patch: replace` replaces a list of maps, or a map, as a whole."""
    target = _containers({"name": "a"}, {"name": "b"})
    assert _merged(target, _containers({"$patch": "replace"}, {"name": "c"})) == [{"name": "c"}]
    labels = {"metadata": {"labels": {"$patch": "replace", "c": "d"}}}
    assert strategic_merge({"metadata": {"labels": {"a": "b"}}}, labels, DEPLOYMENT) == {
        "metadata": {"labels": {"c": "d"}}
    }


def test_strategic_keeps_the_order_asked_for() -> None:
    """`$setElementOrder` orders what the client knows; an item of the server's own stays before what followed it."""
    target = _containers({"name": "a"}, {"name": "injected"}, {"name": "b"})
    patch = _containers({"name": "b", "image": "b:2"})
    patch["spec"]["template"]["spec"]["$setElementOrder/containers"] = [{"name": "b"}, {"name": "a"}]
    names = [container["name"] for container in _merged(target, patch)]
    assert names == ["injected", "b", "a"]


def test_strategic_lists_of_texts() -> None:
    """A list of texts that merges (finalizers) gets what is new, and loses what `$deleteFromPrimitiveList` names."""
    target = {"metadata": {"finalizers": ["a", "b"]}}
    added = strategic_merge(target, {"metadata": {"finalizers": ["b", "c"]}}, DEPLOYMENT)
    assert added["metadata"]["finalizers"] == ["a", "b", "c"]
    removed = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert strategic_merge(target, removed, DEPLOYMENT)["metadata"]["finalizers"] == ["b"]


def test_strategic_retains_keys() -> None:
    """`$retainKeys` drops what a union's other member had: a strategy that becomes Recreate loses rollingUpdate."""
    target = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge(target, patch, DEPLOYMENT)["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("patch", [_containers({"image": "x"}), {"$patch": "frobnicate"}])
def test_strategic_that_makes_no_sense(patch: Object) -> None:
    """An item without its key, and an unknown directive, are the client's error (400)."""
    with pytest.raises(ApiError) as caught:
        strategic_merge(_containers({"name": "a"}), patch, DEPLOYMENT)
    assert caught.value.code == 400
