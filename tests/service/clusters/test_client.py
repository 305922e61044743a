"""The client against a cluster's API: objects, ownership, watches, logs, rights, and what goes wrong on the way."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mcci.clients.kubernetes.api import (
    CONFIG_MAP,
    LEASE,
    NAMESPACE,
    POD,
    SECRET,
    VIRTUAL_SERVICE,
    Conflict,
    Kind,
    NotAllowed,
    Refused,
    Unreachable,
)
from mcci.clusters import leases
from mcci.clusters.leases import Holder
from mcci.errors import UsageError
from tests.service.clusters.proxied import connected, proxied, through
from tests.tools.faults import Fault
from tests.tools.lab import LabCluster
from tests.unit.clusters.wire import plugin

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.kubernetes.client import Client


def config_map(namespace: str, name: str = "state", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": {"ours": "yes"}}, "data": data}


def test_objects(api: Client, namespace: str) -> None:
    """An object is made, read, changed, conflicted over, listed and deleted, as the protocol says."""
    assert api.version().startswith("v1.")
    made = api.create(CONFIG_MAP, config_map(namespace, a="1"))
    with pytest.raises(Conflict):
        api.create(CONFIG_MAP, config_map(namespace))
    changed = api.replace(CONFIG_MAP, {**made, "data": {"a": "2"}})
    with pytest.raises(Conflict):
        api.replace(CONFIG_MAP, {**made, "data": {"a": "3"}})
    assert api.merge(CONFIG_MAP, "state", namespace, {"data": {"a": None, "b": "1"}})["data"] == {"b": "1"}
    stale = {"metadata": {"resourceVersion": changed["metadata"]["resourceVersion"]}, "data": {"b": "2"}}
    with pytest.raises(Conflict):
        api.merge(CONFIG_MAP, "state", namespace, stale)
    assert api.replace(CONFIG_MAP, config_map(namespace, c="1"), dry_run=True)["data"] == {"c": "1"}
    found = api.get(CONFIG_MAP, "state", namespace)
    assert found is not None
    assert found["data"] == {"b": "1"}
    assert [each["metadata"]["name"] for each in api.list(CONFIG_MAP, namespace, fields="metadata.name=state")] == [
        "state"
    ]
    assert api.delete(CONFIG_MAP, "state", namespace)
    assert not api.delete(CONFIG_MAP, "state", namespace)
    assert api.get(CONFIG_MAP, "state", namespace) is None


def test_apply(api: Client, namespace: str) -> None:
    """Server-side apply is refused where another owns the field, says who, and takes it when forced."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", **config_map(namespace, a="1")}
    api.create(CONFIG_MAP, body)
    with pytest.raises(Conflict, match="conflict"):
        api.apply(CONFIG_MAP, config_map(namespace, a="2"))
    assert api.apply(CONFIG_MAP, config_map(namespace, a="2"), force=True)["data"] == {"a": "2"}


def test_strict(api: Client, namespace: str) -> None:
    """What a CRD's schema does not take is refused in the server's words, and nothing is stored."""
    route = {"metadata": {"name": "cart", "namespace": namespace}, "spec": {"http": [{"route": [{"weight": "x"}]}]}}
    with pytest.raises(Refused, match="weight"):
        api.create(VIRTUAL_SERVICE, route)
    assert api.get(VIRTUAL_SERVICE, "cart", namespace) is None
    with pytest.raises(Refused, match="namespace"):
        api.create(CONFIG_MAP, config_map("not-there"))
    assert api.served(VIRTUAL_SERVICE)
    assert not api.served(Kind(group="example.com", kind="Thing", plural="things"))


def test_pages(api: Client, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection longer than a page comes whole."""
    monkeypatch.setattr("mcci.clients.kubernetes.client.PAGE", 3)
    for number in range(8):
        api.create(CONFIG_MAP, config_map(namespace, f"c{number}"))
    found = api.list(CONFIG_MAP, namespace, labels="ours=yes")
    assert [each["metadata"]["name"] for each in found] == [f"c{number}" for number in range(8)]


def test_watch(lab: LabCluster, api: Client, namespace: str, tmp_path: Path) -> None:
    """A watch through a connection that is cut, a server that fails and one that is busy gives every change once."""
    api.create(CONFIG_MAP, config_map(namespace, "c0"))
    with proxied(lab) as proxy, connected(through(proxy, lab), tmp_path) as watcher:
        proxy.faults += [
            Fault(method="GET", path="watch=true", cut_response=1200),
            Fault(method="GET", path="watch=true", status=500),
            Fault(method="GET", path="watch=true", status=429, headers={"Retry-After": "0"}),
            Fault(method="GET", path="watch=true", cut_response=0),
        ]
        seen: list[str] = []
        begun = threading.Event()

        def watch() -> None:
            for change in watcher.watch(CONFIG_MAP, namespace, labels="ours=yes", seconds=30):
                seen.append(f"{change.type} {change.object['metadata']['name']}")
                begun.set()
                if change.type == "DELETED":
                    return

        thread = threading.Thread(target=watch)
        thread.start()
        assert begun.wait(10)
        for number in range(1, 5):
            api.create(CONFIG_MAP, config_map(namespace, f"c{number}"))
        api.delete(CONFIG_MAP, "c1", namespace)
        thread.join(20)
        assert not thread.is_alive()
        assert proxy.count("GET", "watch=true") > 4
    assert seen == ["ADDED c0", "ADDED c1", "ADDED c2", "ADDED c3", "ADDED c4", "DELETED c1"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500}, {"status": 503}, {"status": 429, "headers": {"Retry-After": "1"}}, {"cut_response": 0},
        {"cut_request": 5}, {"hang": True},
    ],
    ids=["500", "503", "429", "answer lost", "request cut", "silence"],
)  # fmt: skip
def test_writes_through_faults(lab: LabCluster, namespace: str, fault: dict[str, Any], tmp_path: Path) -> None:
    """A write takes effect once, whatever happens to its first attempt: also when only its answer is lost."""
    with proxied(lab) as proxy, connected(through(proxy, lab), tmp_path) as api:
        proxy.faults.append(Fault(method="POST", path="configmaps", **fault))
        made = api.create(CONFIG_MAP, config_map(namespace, a="1"))
        proxy.faults.append(Fault(method="PUT", path="configmaps", **fault))
        changed = api.replace(CONFIG_MAP, {**made, "data": {"a": "2"}})
        proxy.faults.append(Fault(method="DELETE", path="configmaps", **fault))
        assert api.delete(CONFIG_MAP, "state", namespace)
        assert changed["data"] == {"a": "2"}
        assert api.get(CONFIG_MAP, "state", namespace) is None


def test_a_lock_through_faults(lab: LabCluster, namespace: str, tmp_path: Path) -> None:
    """A lock is held while every second of its renewals fails, and no other gets it meanwhile."""
    with (
        proxied(lab) as proxy,
        connected(through(proxy, lab), tmp_path) as ours,
        connected(lab.kubeconfig(), tmp_path) as theirs,
    ):
        for skip in range(0, 12, 2):
            proxy.faults.append(Fault(method="PUT", path="leases", cut_response=0, skip=skip))
        with leases.hold(ours, namespace, "mcci-deploy", Holder(identity="maria"), ttl=3) as held:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                held.check()
                with (
                    pytest.raises(leases.LockHeld, match="maria"),
                    leases.hold(theirs, namespace, "mcci-deploy", Holder(identity="paul"), ttl=3),
                ):
                    pass
        with leases.hold(theirs, namespace, "mcci-deploy", Holder(identity="paul"), ttl=3) as second:
            assert second.token > held.token
        lease = theirs.get(LEASE, "mcci-deploy", namespace)
        assert lease is not None
        assert lease["spec"]["holderIdentity"] == ""


def test_gone(lab: LabCluster, tmp_path: Path) -> None:
    """A server that is not there is an error after the deadline, not before and not much later."""
    with connected(lab.kubeconfig().replace(lab.url, "https://127.0.0.1:1"), tmp_path, deadline=1) as api:
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="prod-aws"):
            api.version()
        assert 0.5 < time.monotonic() - begun < 3


def test_another_authority(lab: LabCluster, tmp_path: Path) -> None:
    """A server whose certificate another authority signed is not spoken to, and that is not tried again."""
    document = yaml.safe_load(lab.kubeconfig())
    document["clusters"][0]["cluster"].pop("certificate-authority-data")
    begun = time.monotonic()
    with connected(yaml.safe_dump(document), tmp_path) as api, pytest.raises(UsageError, match="not trusted"):
        api.version()
    assert time.monotonic() - begun < 2


def credential(lab: LabCluster, *, seconds: float | None = None) -> str:
    """Return a token of the administrator."""
    token: str = yaml.safe_load(lab.kubeconfig(seconds=seconds))["users"][0]["user"]["token"]
    return token


def with_user(lab: LabCluster, **user: Any) -> str:
    """Return a kubeconfig with this user."""
    document = yaml.safe_load(lab.kubeconfig())
    document["users"][0]["user"] = user
    return yaml.safe_dump(document)


def with_plugin(lab: LabCluster, program: str) -> str:
    """Return a kubeconfig whose token is what a program prints."""
    return with_user(lab, exec={"apiVersion": "client.authentication.k8s.io/v1", "command": program})


def test_token_expires(lab: LabCluster, tmp_path: Path) -> None:
    """A plug-in is run again when its token is no longer taken, and once only; the call that met it succeeds."""
    tokens, count = tmp_path / "token", tmp_path / "count"
    tokens.write_text(credential(lab, seconds=1.5))
    script = f"""echo x >> {count}; printf '{{"status": {{"token": "%s"}}}}' "$(cat {tokens})" """
    text = with_plugin(lab, plugin(tmp_path, script))
    with connected(text, tmp_path) as api:
        api.version()
        tokens.write_text(credential(lab))
        deadline = time.monotonic() + 10
        while count.read_text().count("x") == 1 and time.monotonic() < deadline:
            assert api.list(NAMESPACE)
            time.sleep(0.1)
        assert count.read_text().count("x") == 2
        assert api.list(NAMESPACE)


def test_token_no_longer_good(lab: LabCluster, tmp_path: Path) -> None:
    """A token that runs out, with nothing to get another from, is an error that says so."""
    with connected(with_user(lab, token=credential(lab, seconds=0.01)), tmp_path) as api:
        time.sleep(0.05)
        with pytest.raises(NotAllowed, match="run out"):
            api.list(NAMESPACE)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo no session >&2; exit 3", "exit code 3.*no session"),
        ("echo hello", "no ExecCredential"),
        ("echo '{\"status\": {}}'", "neither a token"),
    ],
)
def test_plugin_fails(lab: LabCluster, script: str, says: str, tmp_path: Path) -> None:
    """A plug-in that fails is named with what it said, instead of a request without credentials."""
    with connected(with_plugin(lab, plugin(tmp_path, script)), tmp_path) as api, pytest.raises(UsageError, match=says):
        api.version()


def test_plugin_missing(lab: LabCluster, tmp_path: Path) -> None:
    """A plug-in that is not installed is named, and where it belongs."""
    with (
        connected(with_plugin(lab, "kubelogin-not-there"), tmp_path) as api,
        pytest.raises(UsageError, match=r"runner\.image"),
    ):
        api.version()


def test_token_file(lab: LabCluster, tmp_path: Path) -> None:
    """A token file that Kubernetes renews is read again when its content is no longer taken."""
    file = tmp_path / "token"
    file.write_text(credential(lab, seconds=1))
    with connected(with_user(lab, tokenFile=str(file)), tmp_path) as api:
        assert api.list(NAMESPACE)
        file.write_text(credential(lab))
        time.sleep(1.1)
        assert api.list(NAMESPACE)


def test_rights(lab: LabCluster, namespace: str, tmp_path: Path) -> None:
    """Who may do nothing is told what lacks; asking first gives the same answer."""
    from mcci.lab.clusters.access.users import service_account

    with connected(lab.kubeconfig(service_account(namespace, "nobody")), tmp_path) as api:
        assert not api.allowed("get", SECRET, namespace)
        with pytest.raises(NotAllowed, match="secrets"):
            api.get(SECRET, "x", namespace)


def test_logs(api: Client, namespace: str) -> None:
    """The log of a pod that is not there is empty."""
    assert api.logs("gone", namespace) == ""
    assert api.list(POD, namespace) == []


def test_skew(api: Client) -> None:
    """A server on this machine has this machine's time, but for the second for which it keeps its Date."""
    found = api.skew()
    assert found is not None
    assert abs(found) < 2
