"""The client asks what the API's pages say, tries again what may be tried again, and says plainly what failed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from mcci.clients.kubernetes.api import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    VIRTUAL_SERVICE,
    Conflict,
    NotAllowed,
    NotFound,
    NotTaken,
    Refused,
    Unreachable,
)
from mcci.clients.registry.retry import Policy
from mcci.errors import ExitCode, McciError
from tests.unit.clusters.wire import Wire, api, ok, page, status, thing

if TYPE_CHECKING:
    from mcci.clients.kubernetes.api import ClusterApi

BROKEN = httpx.ReadError("reset by peer")


def test_is_a_cluster_api() -> None:
    """It has every method of the protocol, which mypy checks here."""
    found: ClusterApi = api(Wire(ok({"gitVersion": "v1.34.5"})))
    assert found.version() == "v1.34.5"


def test_paths() -> None:
    """Each call goes to the path, with the query and the content type, that the API's conventions name."""
    wire = Wire(*(ok(thing("a", 1)) for _ in range(8)), ok({"status": {"allowed": True}}, 201))
    cluster = api(wire)
    cluster.get(CONFIG_MAP, "a", "shop")
    cluster.get(NAMESPACE, "shop")
    cluster.create(CONFIG_MAP, thing("a", 1), dry_run=True)
    cluster.replace(VIRTUAL_SERVICE, thing("a", 1))
    cluster.apply(DEPLOYMENT, thing("a", 1), force=True)
    cluster.merge(CONFIG_MAP, "a", "shop", {"data": {"x": None}})
    cluster.delete(CONFIG_MAP, "a", "shop")
    cluster.list(CONFIG_MAP, labels="app=cart", fields="metadata.name=a")
    assert cluster.allowed("get", VIRTUAL_SERVICE, "shop")
    asked = [f"{each.method} {each.url.raw_path.decode()}" for each in wire.requests]
    assert asked == [
        "GET /api/v1/namespaces/shop/configmaps/a",
        "GET /api/v1/namespaces/shop",
        "POST /api/v1/namespaces/shop/configmaps?fieldManager=mcci&dryRun=All",
        "PUT /apis/networking.istio.io/v1/namespaces/shop/virtualservices/a?fieldManager=mcci",
        "PATCH /apis/apps/v1/namespaces/shop/deployments/a?fieldManager=mcci&force=true",
        "PATCH /api/v1/namespaces/shop/configmaps/a?fieldManager=mcci",
        "DELETE /api/v1/namespaces/shop/configmaps/a?propagationPolicy=Background",
        "GET /api/v1/configmaps?labelSelector=app%3Dcart&fieldSelector=metadata.name%3Da&limit=500",
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    ]
    types = [each.headers.get("Content-Type", "") for each in wire.requests]
    assert types[3:6] == ["application/json", "application/apply-patch+yaml", "application/merge-patch+json"]
    review = json.loads(wire.requests[-1].content)["spec"]["resourceAttributes"]
    assert review == {
        "verb": "get", "group": "networking.istio.io", "resource": "virtualservices", "subresource": "",
        "namespace": "shop",
    }  # fmt: skip
    assert all(each.headers["Authorization"] == "Bearer t0" for each in wire.requests)


@pytest.mark.parametrize(
    "fault",
    [
        status(429, "", **{"Retry-After": "0"}), status(500, "etcd"), status(503), httpx.Response(502, text="<html>"),
        BROKEN, httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("closed"),
    ],
)  # fmt: skip
def test_tries_again(fault: httpx.Response | Exception) -> None:
    """What fails in passing is asked again, for a read and for a write."""
    again = httpx.Response(fault.status_code, content=fault.content) if isinstance(fault, httpx.Response) else fault
    wire = Wire(fault, ok(thing("a", 1)), again, ok(thing("a", 2)))
    cluster = api(wire)
    assert cluster.get(CONFIG_MAP, "a", "shop") == thing("a", 1)
    assert cluster.create(CONFIG_MAP, thing("a", 1)) == thing("a", 2)
    assert len(wire.requests) == 4


def test_retry_after() -> None:
    """What the server asks for is waited for; where it asks for more than the deadline, nothing is waited for."""
    wire = Wire(status(429, "slow down", **{"Retry-After": "100"}))
    with pytest.raises(Unreachable, match=r"429: slow down") as caught:
        api(wire).get(CONFIG_MAP, "a", "shop")
    assert caught.value.exit_code is ExitCode.SERVICE_FAILED
    assert len(wire.requests) == 1


def test_gives_up() -> None:
    """After the deadline the error names the cluster, its address, how often it was tried and why it failed."""
    wire = Wire(*[BROKEN] * 50)
    with pytest.raises(Unreachable, match=r"prod-aws.*https://prod\.example.*attempts.*reset by peer"):
        api(wire, deadline=0.2, policy=Policy(first=0.05, longest=0.05)).version()
    assert 1 < len(wire.requests) < 50


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (status(409, "modified"), Conflict, "modified"),
        (status(404, "no such"), NotFound, "no such"),
        (status(422, "spec.http: Required value"), Refused, "Required value"),
        (status(400, "bad"), Refused, "bad"),
        (status(403, "maria cannot update"), NotAllowed, "mcci doctor --rbac"),
        (status(403, "being terminated", "NamespaceTerminating"), Refused, "terminated"),
        (status(403, 'admission webhook "policy" denied the request'), Refused, "policy"),
        (status(401), NotTaken, "run out"),
        (httpx.Response(302, headers={"Location": "https://login"}), Unreachable, "302"),
        (httpx.Response(200, text="<html>"), Unreachable, "no Kubernetes API"),
    ],
)
def test_refusals(answer: httpx.Response, error: type[McciError], says: str) -> None:
    """Each refusal is an error of its own kind, in the cluster's words; none is tried again."""
    wire = Wire(answer)
    with pytest.raises(error, match=says) as caught:
        api(wire).replace(CONFIG_MAP, thing("a", 1))
    assert type(caught.value) is error
    assert len(wire.requests) == 1


def test_missing() -> None:
    """What is not there, or not served, is None, nothing, or False; making it is refused."""
    cluster = api(Wire(*(status(404, "the server could not find the requested resource") for _ in range(6))))
    assert cluster.get(VIRTUAL_SERVICE, "a", "shop") is None
    assert cluster.list(VIRTUAL_SERVICE, "shop") == []
    assert not cluster.served(VIRTUAL_SERVICE)
    assert not cluster.delete(VIRTUAL_SERVICE, "a", "shop")
    with pytest.raises(Refused, match="virtualservices cannot be made"):
        cluster.create(VIRTUAL_SERVICE, thing("a", 1))
    with pytest.raises(Refused, match="virtualservices cannot be made"):
        cluster.apply(VIRTUAL_SERVICE, thing("a", 1))


def test_our_own_write() -> None:
    """A conflict with our own write, whose answer was lost, is none; one with another's is."""
    body = {**thing("a", 1), "data": {"token": "7"}}
    mine = {**body, "apiVersion": "v1", "kind": "ConfigMap", "metadata": {**body["metadata"], "resourceVersion": "2"}}
    other = {**mine, "data": {"token": "8"}}
    assert api(Wire(BROKEN, status(409), ok(mine))).replace(CONFIG_MAP, body) == mine
    assert api(Wire(status(500), status(409), ok(mine))).create(CONFIG_MAP, body) == mine
    for wire in (
        Wire(BROKEN, status(409), ok(other)),  # another's
        Wire(status(409)),  # it conflicts at once
        Wire(status(429, **{"Retry-After": "0"}), status(409)),  # the first was not taken for sure
        Wire(httpx.ConnectError("refused"), status(409)),  # nor this
    ):
        with pytest.raises(Conflict):
            api(wire).replace(CONFIG_MAP, body)
    assert api(Wire(BROKEN, status(404))).delete(CONFIG_MAP, "a", "shop")


def test_pages() -> None:
    """All pages are read; when the first grew too old, everything again."""
    wire = Wire(page(thing("a", 1), follows="x"), status(410), page(thing("a", 2), follows="y"), page(thing("b", 2)))
    found = api(wire).list(CONFIG_MAP, "shop")
    assert [(each["metadata"]["name"], each["metadata"]["resourceVersion"]) for each in found] == [
        ("a", "2"),
        ("b", "2"),
    ]
    assert found[0]["kind"] == "ConfigMap"
    assert [dict(each.url.params).get("continue") for each in wire.requests] == [None, "x", None, "y"]


def test_logs() -> None:
    """A container's last lines; nothing for one that waits or is gone."""
    wire = Wire(httpx.Response(200, text="one\ntwo\n"), status(400, "waiting to start"), status(404))
    cluster = api(wire)
    assert cluster.logs("cart-1", "shop", container="cart", lines=2, previous=True) == "one\ntwo\n"
    assert cluster.logs("cart-1", "shop") == ""
    assert cluster.logs("cart-1", "shop") == ""
    assert dict(wire.requests[0].url.params) == {"tailLines": "2", "container": "cart", "previous": "true"}


@pytest.mark.parametrize(("ahead", "low", "high"), [(0, 0, 0), (100, 98, 101), (-100, -101, -98)])
def test_skew(ahead: int, low: float, high: float) -> None:
    """The server's clock is compared as far as a Date's whole seconds tell."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    found = api(Wire(ok({}, Date=date))).skew()
    assert found is not None
    assert low <= found <= high
    assert api(Wire(ok({}))).skew() is None


def test_within() -> None:
    """The same cluster with a shorter patience; the connections are shared."""
    wire = Wire(*[BROKEN] * 99, ok({"gitVersion": "v1"}))
    cluster = api(wire, policy=Policy(first=0.01, longest=0.01))
    with pytest.raises(Unreachable):
        cluster.within(0.05).version()
    wire.answers.rotate(1)
    assert cluster.version() == "v1"


def test_secrets_hide() -> None:
    """No credential shows where an access is printed, and none is in an error."""
    from tests.unit.clusters.wire import ACCESS

    assert "t0" not in repr(ACCESS)
    with pytest.raises(NotAllowed) as caught:
        api(Wire(status(401, "Bearer"))).version()
    assert "t0" not in str(caught.value)
