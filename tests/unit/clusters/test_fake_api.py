"""The cluster in memory behaves as the API does, where tests lean on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.kubernetes.api import (
    CONFIG_MAP,
    NAMESPACE,
    POD,
    REPLICA_SET,
    VIRTUAL_SERVICE,
    Conflict,
    NotAllowed,
    NotFound,
    Refused,
    Unreachable,
)
from tests.unit.clusters.fake_api import Crash, FakeApi, Fault, Script, State

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import ClusterApi


def config_map(name: str = "state", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}, "data": data}


def route(weight: int) -> dict[str, Any]:
    destination = {"destination": {"host": "cart"}, "weight": weight}
    return {"metadata": {"name": "cart", "namespace": "shop"}, "spec": {"http": [{"route": [destination]}]}}


def test_is_a_cluster_api() -> None:
    """It has every method of the protocol, which mypy checks here."""
    api: ClusterApi = FakeApi("prod-aws")
    assert api.version() == "v1.34.5"


def test_versions() -> None:
    """Every change has a new resourceVersion, one of the spec a new generation; a write of nothing new neither."""
    api = FakeApi("prod-aws")
    first = api.create(VIRTUAL_SERVICE, route(10))
    assert api.replace(VIRTUAL_SERVICE, first) == first
    first["metadata"]["labels"] = {"a": "b"}
    second = api.replace(VIRTUAL_SERVICE, first)
    third = api.merge(VIRTUAL_SERVICE, "cart", "shop", {"spec": {"http": []}})
    generations = [each["metadata"]["generation"] for each in (first, second, third)]
    assert generations == [1, 1, 2]
    assert len({each["metadata"]["resourceVersion"] for each in (first, second, third)}) == 3


def test_conflicts() -> None:
    """What was changed since it was read is not replaced; what exists is not created; what is gone is not found."""
    api = FakeApi("prod-aws")
    old = api.create(CONFIG_MAP, config_map(a="1"))
    api.merge(CONFIG_MAP, "state", "shop", {"data": {"a": "2"}})
    with pytest.raises(Conflict):
        api.replace(CONFIG_MAP, old)
    with pytest.raises(Conflict):
        api.create(CONFIG_MAP, config_map())
    assert api.delete(CONFIG_MAP, "state", "shop")
    assert not api.delete(CONFIG_MAP, "state", "shop")
    with pytest.raises(NotFound):
        api.replace(CONFIG_MAP, old)


def test_dry_run() -> None:
    """A dry run answers what would be, stores nothing and counts as no write."""
    api = FakeApi("prod-aws")
    assert api.create(CONFIG_MAP, config_map(a="1"), dry_run=True)["data"] == {"a": "1"}
    assert api.get(CONFIG_MAP, "state", "shop") is None
    assert api.script.writes == []


def test_apply() -> None:
    """Another manager's field is a conflict unless forced; a field that is applied no longer goes."""
    api = FakeApi("prod-aws")
    helm = FakeApi("prod-aws", api.state, manager="helm")
    helm.apply(VIRTUAL_SERVICE, route(100))
    with pytest.raises(Conflict, match=r'conflict with "helm": \.spec\.http'):
        api.apply(VIRTUAL_SERVICE, route(90))
    assert api.apply(VIRTUAL_SERVICE, route(90), force=True)["spec"] == route(90)["spec"]
    with pytest.raises(Conflict, match="mcci"):
        helm.apply(VIRTUAL_SERVICE, route(100))
    api.apply(CONFIG_MAP, config_map(a="1", b="2"))
    assert api.apply(CONFIG_MAP, config_map(a="1"))["data"] == {"a": "1"}


def test_update_takes_ownership() -> None:
    """An ordinary write owns what it changed, so that a later apply of the first owner conflicts."""
    api = FakeApi("prod-aws")
    helm = FakeApi("prod-aws", api.state, manager="helm")
    helm.apply(VIRTUAL_SERVICE, route(100))
    api.merge(VIRTUAL_SERVICE, "cart", "shop", route(90))
    with pytest.raises(Conflict, match="mcci"):
        helm.apply(VIRTUAL_SERVICE, route(100))


def test_crash() -> None:
    """A process that died at a write does nothing any more; the next one finds what it left."""
    state = State()
    script = Script()
    first, second = FakeApi("prod-aws", state, script), FakeApi("prod-azure", None, script)
    script.crash(write=2, after=True)
    first.create(CONFIG_MAP, config_map("one"))
    with pytest.raises(Crash):
        first.create(CONFIG_MAP, config_map("two"))
    with pytest.raises(Crash):
        second.get(CONFIG_MAP, "one", "shop")
    assert [each["metadata"]["name"] for each in FakeApi("prod-aws", state).list(CONFIG_MAP, "shop")] == ["one", "two"]


def test_faults() -> None:
    """A fault strikes as often as it says, and before the effect unless it says otherwise."""
    api = FakeApi("prod-aws")
    api.script.faults.append(Fault(error=Unreachable("gone"), verb="create", skip=1))
    api.create(CONFIG_MAP, config_map("one"))
    with pytest.raises(Unreachable):
        api.create(CONFIG_MAP, config_map("two"))
    assert api.create(CONFIG_MAP, config_map("two"))


def test_watch() -> None:
    """A watch gives what there is, then what happens while it waits, as its selectors take it."""
    api = FakeApi("prod-aws")
    api.put(POD, {"metadata": {"name": "a", "namespace": "shop", "labels": {"app": "cart"}}})
    api.put(POD, {"metadata": {"name": "b", "namespace": "shop"}})
    left = iter([True, False])

    def idle() -> bool:
        api.put(
            POD, {"metadata": {"name": "a", "namespace": "shop", "labels": {"app": "cart"}}, "status": {"x": 1}}
        )  # fmt: skip
        return next(left)

    api.state.idle = idle
    seen = [change.type for change in api.watch(POD, "shop", labels="app in (cart,web)", seconds=1)]
    assert seen == ["ADDED", "MODIFIED"]


def test_cascade() -> None:
    """What an object owns, and what a namespace holds, goes with it."""
    api = FakeApi("prod-aws", State(namespaces=()))
    with pytest.raises(Refused, match="not found"):
        api.create(CONFIG_MAP, config_map())
    api.create(NAMESPACE, {"metadata": {"name": "shop"}})
    owner = api.create(REPLICA_SET, {"metadata": {"name": "cart", "namespace": "shop"}})
    reference = {"uid": owner["metadata"]["uid"]}
    api.create(POD, {"metadata": {"name": "cart-1", "namespace": "shop", "ownerReferences": [reference]}})
    api.create(CONFIG_MAP, config_map())
    api.delete(REPLICA_SET, "cart", "shop")
    assert api.list(POD) == []
    api.delete(NAMESPACE, "shop")
    assert api.list(CONFIG_MAP) == []


def test_rights() -> None:
    """Rights that are lacking, and kinds that are not served, are refused."""
    api = FakeApi("prod-aws", State(denied={("create", "configmaps")}, unserved={VIRTUAL_SERVICE}))
    assert not api.allowed("create", CONFIG_MAP, "shop")
    with pytest.raises(NotAllowed):
        api.create(CONFIG_MAP, config_map())
    with pytest.raises(Refused, match="does not serve"):
        api.create(VIRTUAL_SERVICE, route(1))
    assert api.get(VIRTUAL_SERVICE, "cart", "shop") is None
