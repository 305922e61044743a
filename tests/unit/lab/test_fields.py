"""Field ownership: who owns what after applies and updates, and when an apply is a conflict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcci.lab.clusters.fields import managers
from mcci.lab.clusters.fields.apply import applied
from mcci.lab.clusters.fields.managers import Manager
from mcci.lab.clusters.fields.paths import decode, display, encode, leaves
from mcci.lab.clusters.schemas.schema import built_in, of_definition
from mcci.lab.clusters.status import ApiError

Object = dict[str, Any]
DEPLOYMENT = built_in("apps", "v1", "Deployment")
CONFIG_MAP = built_in("", "v1", "ConfigMap")
CRD = Path(__file__).parents[3] / "charts" / "crds" / "networking.istio.io_virtualservices.yaml"
VIRTUAL_SERVICE = of_definition(yaml.safe_load(CRD.read_text()), "v1")
NEW: Object = {"metadata": {}}


def _by(name: str, operation: str = "Apply") -> Manager:
    return Manager(name=name, operation=operation, api_version="v1", time="2026-01-01T00:00:00Z")


def _map(**data: str) -> Object:
    return {"metadata": {"name": "a"}, "data": data}


def _apply(live: Object, config: Object, name: str, *, force: bool = False) -> Object:
    return applied(live, config, CONFIG_MAP, _by(name), force=force)


def _update(live: Object, after: Object, name: str) -> Object:
    after = {**after, "metadata": {**after["metadata"], "managedFields": live["metadata"].get("managedFields", [])}}
    managers.write(after, managers.updated(live, after, CONFIG_MAP, _by(name, "Update"), ()))
    return after


def _owned(body: Object) -> dict[str, set[str]]:
    return {manager.name: {display(path) for path in manager.paths} for manager in managers.read(body)}


def test_paths_of_a_deployment() -> None:
    """A list's items are told apart by its keys (a port's protocol is TCP unless said); a selector is one field."""
    body = {
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"name": "web", "args": ["x"], "ports": [{"containerPort": 80}]}]}},
        },
    }
    container = '.spec.template.spec.containers[name="web"]'
    assert {display(path) for path in leaves(body, DEPLOYMENT)} == {
        ".metadata.labels.app",
        ".spec.selector",
        container,
        f"{container}.name",
        f"{container}.args",
        f'{container}.ports[containerPort=80,protocol="TCP"]',
        f'{container}.ports[containerPort=80,protocol="TCP"].containerPort',
    }


def test_custom_lists_are_one_field() -> None:
    """A VirtualService's routes have one owner as a whole, since the definition gives the list no keys."""
    body = {"metadata": {"name": "a"}, "spec": {"hosts": ["a"], "http": [{"route": [{"weight": 100}]}]}}
    assert {display(path) for path in leaves(body, VIRTUAL_SERVICE)} == {".spec.hosts", ".spec.http"}


PART = st.one_of(
    st.text("abz./", min_size=1).map("f:{}".format),
    st.sampled_from(['k:{"name":"a"}', 'k:{"port":1}', 'v:"x"']),
)


@given(st.frozensets(st.lists(PART, min_size=1, max_size=4).map(tuple)))
def test_fields_are_kept_as_they_are(paths: frozenset[tuple[str, ...]]) -> None:
    """Every set of paths reads back from FieldsV1 as it was written."""
    assert decode(encode(paths)) == paths


def test_first_apply_owns_what_it_says() -> None:
    """The applier owns the fields of its configuration."""
    made = _apply(NEW, _map(x="1", y="2"), "helm")
    assert made["data"] == {"x": "1", "y": "2"}
    assert _owned(made) == {"helm": {".data.x", ".data.y"}}


def test_apply_again_removes_what_it_no_longer_says() -> None:
    """What the applier leaves out this time is removed, if nobody else owns it."""
    made = _apply(NEW, _map(x="1", y="2"), "helm")
    again = _apply(made, _map(x="1"), "helm")
    assert again["data"] == {"x": "1"}
    assert _owned(again) == {"helm": {".data.x"}}


def test_what_another_owns_too_stays() -> None:
    """Two appliers of the same value share it; it goes with the last one."""
    both = _apply(_apply(NEW, _map(x="1", y="2"), "helm"), _map(x="1"), "mcci")
    assert _owned(both) == {"helm": {".data.x", ".data.y"}, "mcci": {".data.x"}}
    left = _apply(both, _map(y="2"), "helm")
    assert left["data"] == {"x": "1", "y": "2"}
    assert "x" not in _apply(left, _map(), "mcci").get("data", {})


def test_conflict_names_owner_and_field() -> None:
    """An apply of another value than another manager's is refused with 409 and a cause for each field."""
    live = _update(_apply(NEW, _map(x="1", y="2"), "helm"), _map(x="5", y="2"), "kubectl")
    with pytest.raises(ApiError) as caught:
        _apply(live, _map(x="1", y="2"), "helm")
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.x'
    assert caught.value.details["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using v1', "field": ".data.x"}
    ]


def test_conflicts_are_told_by_manager() -> None:
    """Several conflicts are counted and listed below their managers."""
    live = _apply(_apply(NEW, _map(x="1", y="1"), "a"), _map(z="1"), "b")
    with pytest.raises(ApiError) as caught:
        _apply(live, _map(x="2", y="2", z="2"), "c")
    expected = (
        'Apply failed with 3 conflicts: conflicts with "a":\n- .data.x\n- .data.y\nconflicts with "b":\n- .data.z'
    )
    assert caught.value.message == expected


def test_same_value_is_no_conflict() -> None:
    """An apply of the value that is there takes part in owning it."""
    live = _update(NEW, _map(x="1"), "kubectl")
    assert _owned(_apply(live, _map(x="1"), "helm")) == {"kubectl": {".data", ".data.x"}, "helm": {".data.x"}}


def test_force_takes_fields() -> None:
    """With force the applier gets what was in conflict, and the others keep the rest."""
    live = _update(NEW, _map(x="1", y="1"), "kubectl")
    taken = _apply(live, _map(x="2"), "helm", force=True)
    assert taken["data"] == {"x": "2", "y": "1"}
    assert _owned(taken) == {"kubectl": {".data", ".data.y"}, "helm": {".data.x"}}


def test_update_takes_what_it_changes() -> None:
    """A write that is not an apply takes every field whose value it changes, and no other."""
    live = _apply(NEW, _map(x="1", y="1"), "helm")
    after = _update(live, _map(x="2", y="1", z="1"), "kubectl")
    assert _owned(after) == {"helm": {".data.y"}, "kubectl": {".data.x", ".data.z"}}
    without = _update(after, _map(y="1"), "mcci")
    assert _owned(without) == {"helm": {".data.y"}}


def test_ignored_fields_are_not_taken() -> None:
    """A write of the object owns nothing of its status."""
    after: Object = {"metadata": {"name": "a"}, "spec": {"replicas": 1}, "status": {"replicas": 1}}
    writer = _by("kubectl", "Update")
    (manager,) = managers.updated(NEW, after, DEPLOYMENT, writer, [("f:status",)])
    assert {display(path) for path in manager.paths} == {".spec", ".spec.replicas"}


def _deployment(*containers: Object) -> Object:
    return {"metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": list(containers)}}}}


def test_items_of_several_appliers() -> None:
    """Each applier adds its own container, and one that drops it removes it with all its defaults."""
    live = applied(NEW, _deployment({"name": "web", "image": "w:1"}), DEPLOYMENT, _by("helm"), force=False)
    both = applied(live, _deployment({"name": "log", "image": "l:1"}), DEPLOYMENT, _by("mesh"), force=False)
    for container in both["spec"]["template"]["spec"]["containers"]:
        container["imagePullPolicy"] = "Always"  # as the server fills it in
    names = [container["name"] for container in both["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["log", "web"]
    config: Object = {"metadata": {"name": "web"}}
    left = applied(both, config, DEPLOYMENT, _by("mesh"), force=False)["spec"]["template"]["spec"]["containers"]
    assert left == [{"name": "web", "image": "w:1", "imagePullPolicy": "Always"}]


def test_item_goes_with_its_owner() -> None:
    """An item goes when its owner drops it, even where another manager has changed a field in it."""
    live = applied(
        NEW, _deployment({"name": "web"}, {"name": "log", "image": "l:1"}), DEPLOYMENT, _by("helm"), force=False
    )
    changed = _deployment({"name": "web"}, {"name": "log", "image": "l:2"})
    changed["metadata"]["managedFields"] = live["metadata"]["managedFields"]
    managers.write(changed, managers.updated(live, changed, DEPLOYMENT, _by("kubectl", "Update"), ()))
    left = applied(changed, _deployment({"name": "web"}), DEPLOYMENT, _by("helm"), force=False)
    assert left["spec"]["template"]["spec"]["containers"] == [{"name": "web"}]


def test_items_take_the_order_of_the_configuration() -> None:
    """The configuration's items come in its order; one that only the server has stays before what followed it."""
    live = _deployment({"name": "a"}, {"name": "own"}, {"name": "b"})
    config = _deployment({"name": "b"}, {"name": "a"}, {"name": "c"})
    merged = applied(live, config, DEPLOYMENT, _by("helm"), force=False)
    names = [container["name"] for container in merged["spec"]["template"]["spec"]["containers"]]
    assert names == ["own", "b", "a", "c"]


def test_apply_that_changes_nothing_is_the_same_object() -> None:
    """The second of two equal applies changes nothing, not even the manager's time: no new revision, no event."""
    live = _apply(NEW, _map(x="1"), "helm")
    later = Manager(name="helm", operation="Apply", api_version="v1", time="2027-01-01T00:00:00Z")
    assert applied(live, _map(x="1"), CONFIG_MAP, later, force=False) == live


def test_apply_leaves_the_live_object_alone() -> None:
    """Applying returns a new object and changes nothing in the one it was given."""
    live = _apply(NEW, _map(x="1", y="2"), "helm")
    before = repr(live)
    _apply(live, _map(x="2"), "helm")
    assert repr(live) == before
