"""A lab from outside: what is read of one that runs, was killed, or was never there."""

from __future__ import annotations

from ipaddress import IPv4Network, collapse_addresses
from pathlib import Path
from typing import Any

import pytest

from mcci.errors import UsageError
from mcci.lab import control, meshes, networks
from mcci.lab.clusters.resources import NAMESPACES, SERVICES
from mcci.lab.clusters.store import Store
from mcci.lab.networks import SLOTS, renumber
from mcci.lab.plan import DEFAULT, MOST, Folder, Mesh, Plan, Pods, default_folder, write_json

STATE: dict[str, Any] = {
    "pid": 2**22 + 1, "began": "1", "since": "2026-01-01T00:00:00+00:00", "ready": True, "said": [],
    "parts": {
        "clusters": {"prod-aws": {"variable": "KUBECONFIG_PROD_AWS", "kubeconfig": "/lab/kubeconfig", "url": "https://x"}},
        "registry": {"host": "127.0.0.1:5000", "variable": "MCCI_LAB_REGISTRY"},
    },
}  # fmt: skip


def test_without_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where mcci was installed without the extra `lab`, the error says how to get it, and nothing is written."""
    monkeypatch.setattr(control, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'mcci\[lab\]'"):
        control.up(Plan(clusters={}), Folder(path=tmp_path / "lab"), {}, lambda _: None)
    assert not (tmp_path / "lab").exists()


def test_never_there(tmp_path: Path) -> None:
    """A lab that was never up has no status, and there is nothing to end."""
    folder = Folder(path=tmp_path / "lab")
    assert control.status(folder) is None
    assert control.down(folder, delete=True) is False


def test_killed(tmp_path: Path) -> None:
    """A lab whose process is gone is not alive, whatever its file says; its variables are those of its clusters."""
    folder = Folder(path=tmp_path)
    write_json(folder.state, STATE)
    found = control.status(folder)
    assert found
    assert (found.alive, found.ready) == (False, True)
    assert found.exports == {"KUBECONFIG_PROD_AWS": "/lab/kubeconfig", "MCCI_LAB_REGISTRY": "127.0.0.1:5000"}


def test_damaged_state(tmp_path: Path) -> None:
    """A state file that is cut off counts as none."""
    folder = Folder(path=tmp_path)
    folder.state.write_text('{"pid": 1')
    assert control.status(folder) is None


def test_plan_is_kept(tmp_path: Path) -> None:
    """The plan that the supervisor reads is the one that was written."""
    folder = Folder(path=tmp_path)
    plan = Plan(
        clusters={"a": "A", "b": "B"}, pods=Pods.PROCESSES, definitions="/crds",
        meshes=(Mesh(name="m", clusters=("a", "b"), config=("a",)),),
    )  # fmt: skip
    folder.write_plan(plan)
    assert folder.read_plan() == plan


def test_addresses_do_not_meet() -> None:
    """Every cluster's pods and Services have addresses that no other cluster's have, nor those of another lab."""
    found = [
        IPv4Network(each)
        for slot in range(SLOTS)
        for number in range(MOST)
        for each in (networks.pods(slot, number), networks.services(slot, number))
    ]
    assert sum(each.num_addresses for each in collapse_addresses(found)) == len(found) * 1024
    assert all(each.subnet_of(IPv4Network("127.0.0.0/8")) for each in found)


def test_a_lab_that_moves(tmp_path: Path) -> None:
    """The Services of a lab that gets other addresses get them, too, each its own; a headless one has none."""
    store = Store(tmp_path / "objects.sqlite")
    store.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    wanted = {"one": "127.128.0.7", "two": "127.129.0.1", "three": "127.128.0.9", "headless": "None"}
    for name, address in wanted.items():
        metadata = {"name": name, "namespace": "default"}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"clusterIP": address}}
        store.create(SERVICES, body)
    renumber(store, "127.129.0.0/22")
    found = {each["metadata"]["name"]: each["spec"] for each in store.list(SERVICES)}
    assert {name: spec["clusterIP"] for name, spec in found.items()} == {
        "one": "127.129.0.2", "two": "127.129.0.1", "three": "127.129.0.3", "headless": "None",
    }  # fmt: skip
    assert found["one"]["clusterIPs"] == [found["one"]["clusterIP"]]
    store.close()


def test_callers_are_in_production() -> None:
    """Load comes from production's first cluster, and where there is no production from the lab's first."""
    clusters = dict(DEFAULT)
    plan = Plan(clusters=clusters, meshes=meshes.of(None, clusters))
    assert meshes.callers(None, plan) == "prod-aws"
    assert meshes.callers(None, Plan(clusters={"stage-aws": "X"}, meshes=meshes.of(None, ["stage-aws"]))) == "stage-aws"


def test_one_folder_an_application() -> None:
    """A lab's folder is the user's, and tells applications and labs apart."""
    assert default_folder("shop", {"XDG_STATE_HOME": "/s"}) == Path("/s/mcci/lab/shop")
    assert default_folder("", {"HOME": "/h"}) == Path("/h/.local/state/mcci/lab/default")
    one, other = Folder(path=Path("/one")), Folder(path=Path("/other"))
    assert len({one.owner("a"), one.owner("b"), other.owner("a")}) == 3
