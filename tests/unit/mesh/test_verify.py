"""What `mcci mesh verify` says of what it sees."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mcci.clients.kubectl import NotRun
from mcci.mesh import remote_secrets
from mcci.mesh.remote_secrets import Remote
from mcci.mesh.verify import control, endpoints, requests, workloads
from mcci.mesh.verify.model import Status, View
from mcci.mesh.versions import Numbers
from tests.unit.mesh.meshes import config, deployment, found, planned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcci.mesh.verify.model import Result

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
PLAN = planned()
AWS, AZURE = PLAN.members


def view(**given: Any) -> View:
    """Return what was seen of `aws`, unless told otherwise."""
    whole: dict[str, Any] = {
        "member": AWS, "found": found(istio="1.28.1"), "gateway": None, "namespaces": {}, "pods": (), "webhooks": (),
    }  # fmt: skip
    return View(**{**whole, **given})


def states(results: Iterable[Result]) -> list[tuple[str, Status]]:
    """Return the checks and how they ended."""
    return [(each.check, each.status) for each in results]


def secret(**given: Any) -> Any:
    """Return a remote secret of azure, of which 25 of 30 days are left."""
    whole: dict[str, Any] = {
        "cluster": "azure", "server": "https://10.2.0.4:6443", "authority": "LS0t", "token": "t",
        "issued": NOW - timedelta(days=5), "expires": NOW + timedelta(days=25),
    }  # fmt: skip
    return remote_secrets.secret(Remote(**{**whole, **given}), "istio-system", {})


def test_control_plane() -> None:
    """A primary needs a control plane that is ready; a remote must have none."""
    assert states(control.control_plane(view())) == [("control plane", Status.OK)]
    assert states(control.control_plane(view(found=found()))) == [("control plane", Status.FAILED)]
    assert states(control.control_plane(view(found=found(istio="1.28.1", ready=0)))) == [
        ("control plane", Status.FAILED)
    ]
    assert states(control.control_plane(view(member=AZURE))) == [("control plane", Status.FAILED)]
    assert states(control.control_plane(view(member=AZURE, found=found()))) == []


@pytest.mark.parametrize(("secrets", "tried", "expected"), [
    ((secret(),), {"azure": ""}, Status.OK),
    ((secret(),), {}, Status.UNCHECKED),
    ((secret(),), {"azure": "the cluster does not take its token"}, Status.FAILED),
    ((secret(expires=NOW + timedelta(days=2)),), {"azure": ""}, Status.WARNING),
    ((secret(expires=NOW - timedelta(days=2)),), {"azure": ""}, Status.FAILED),
    ((), {}, Status.FAILED),
])  # fmt: skip
def test_remote_secrets(secrets: tuple[Any, ...], tried: dict[str, str], expected: Status) -> None:
    """A remote secret is there, its token is good for a while, and its cluster takes it."""
    seen = view(found=found(istio="1.28.1", secrets=secrets), tried=tried)
    assert states(control.secrets(seen, PLAN, NOW)) == [("remote secret of azure", expected)]


def test_a_secret_of_no_member() -> None:
    """A remote secret of a cluster that is not in the mesh is told of."""
    seen = view(found=found(secrets=(secret(), secret(cluster="gcp"))), tried={"azure": ""})
    assert states(control.secrets(seen, PLAN, NOW))[1] == ("remote secrets", Status.WARNING)


def _webhook(bundle: str) -> Any:
    return {"metadata": {"name": "istio-sidecar-injector"}, "webhooks": [{"clientConfig": {"caBundle": bundle}}]}


@pytest.mark.parametrize(("webhooks", "expected"), [
    ((_webhook("LS0t"),), Status.OK), ((_webhook(""),), Status.FAILED), ((), Status.UNCHECKED),
    (None, Status.UNCHECKED),
])  # fmt: skip
def test_injector(webhooks: Any, expected: Status) -> None:
    """A remote's injector works once the control plane has written its CA there."""
    assert states(control.injector(view(member=AZURE, webhooks=webhooks))) == [("injector", expected)]


def test_gateway() -> None:
    """An east-west gateway is ready and has an address."""
    ready = deployment("istio-eastwestgateway", "auto")
    assert states(workloads.gateway(view(gateway=ready), PLAN)) == [("east-west gateway", Status.OK)]
    assert states(workloads.gateway(view(gateway=None), PLAN)) == [("east-west gateway", Status.FAILED)]
    lost = view(gateway=ready, found=found(istio="1.28.1", gateway=""))
    assert states(workloads.gateway(lost, PLAN)) == [("east-west gateway", Status.FAILED)]
    assert states(workloads.gateway(view(member=AZURE), PLAN)) == []


@pytest.mark.parametrize(("labels", "expected"), [
    ({"istio-injection": "enabled"}, Status.OK), ({"istio.io/rev": "1-28"}, Status.OK), ({}, Status.FAILED),
    ({"istio-injection": "disabled", "istio.io/rev": "1-28"}, Status.FAILED),
])  # fmt: skip
def test_injection(labels: dict[str, str], expected: Status) -> None:
    """A namespace has proxies injected by its label or its revision; `disabled` wins."""
    namespace = {"metadata": {"name": "shop", "labels": labels}}
    assert states(workloads.injection(view(namespaces={"shop": namespace}))) == [("namespace shop", expected)]


def _pod(name: str, *images: str, labels: dict[str, str] | None = None, native: bool = False) -> Any:
    proxies = [{"name": "istio-proxy", "image": image} for image in images]
    spec = {"containers": [{"name": "app", "image": "cart"}, *([] if native else proxies)]}
    spec |= {"initContainers": proxies} if native else {}
    metadata = {"name": name, "namespace": "shop", "labels": labels or {}}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}


def test_proxies() -> None:
    """Each pod has a proxy, as a container or a native sidecar, of a version that the control plane serves."""
    namespace = {"shop": {"metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}}}
    good = (_pod("cart", "istio/proxyv2:1.28.1"), _pod("web", "istio/proxyv2:1.27.0", native=True))
    control_ = Numbers(1, 28, 1)
    (result,) = workloads.proxies(view(namespaces=namespace, pods=good), control_)
    assert (result.status, result.found) == (Status.OK, "1 of 1.28.1, 1 of 1.27.0")
    (bare, _) = (*workloads.proxies(view(namespaces=namespace, pods=(*good, _pod("old"))), control_), None)
    assert (bare.status, bare.found) == (Status.FAILED, "pods without one: old")
    told = _pod("job", labels={"sidecar.istio.io/inject": "false"})
    assert states(workloads.proxies(view(namespaces=namespace, pods=(*good, told)), control_)) == [
        ("proxies", Status.OK)
    ]
    ancient = (_pod("cart", "istio/proxyv2:1.25.0"),)
    assert states(workloads.proxies(view(namespaces=namespace, pods=ancient), control_)) == [("proxies", Status.FAILED)]


SHARDS = {
    "cart.shop.svc.cluster.local": {
        "shop": {"Shards": {"Kubernetes/aws": [{"Addresses": ["10.42.0.9"]}], "Kubernetes/azure": [{}, {}]}},
        "other": {"Shards": {"Kubernetes/aws": [{}]}},
    }
}


def test_endpoints() -> None:
    """The control plane's pages tell which clusters it follows, and how many endpoints each gives."""
    pages = {
        endpoints.CLUSTERS: json.dumps(
            [{"id": "aws", "syncStatus": "synced"}, {"id": "azure", "syncStatus": "synced"}]
        ),
        endpoints.SHARDS: json.dumps(SHARDS),
    }
    seen, counted = endpoints.check(AWS, PLAN, pages.__getitem__, ("shop",))
    assert (seen.status, counted.status, counted.found) == (Status.OK, Status.OK, "aws 1, azure 2")
    pages[endpoints.CLUSTERS] = json.dumps([{"id": "azure", "syncStatus": "timeout"}])
    pages[endpoints.SHARDS] = "{}"
    seen, counted = endpoints.check(AWS, PLAN, pages.__getitem__, ("shop",))
    assert (seen.status, seen.found) == (Status.FAILED, "not followed: azure (timeout)")
    assert counted.status is Status.WARNING


@pytest.mark.parametrize("answer", ["", "[]]", '"x"', "null"])
def test_pages_that_cannot_be_read(answer: str) -> None:
    """A page of another form, or none, is said to be unchecked: neither success nor failure."""
    assert {each.status for each in endpoints.check(AWS, PLAN, lambda _: answer, ("shop",))} == {Status.UNCHECKED}

    def away(_: str) -> str:
        raise NotRun("kubectl is not on PATH")

    assert {each.status for each in endpoints.check(AWS, PLAN, away, ("shop",))} == {Status.UNCHECKED}


def test_requests() -> None:
    """From each cluster the first service is asked that runs only elsewhere."""
    model = config()
    (asked,) = requests.derived(model, model.environments["production"], ("aws", "azure"))
    assert asked.cluster == "aws"
    assert asked.url.startswith("http://staff.shop.svc.cluster.local:")
    body = requests.pod(asked, "shop", "curl")
    assert body["spec"]["containers"][0]["command"][-1] == asked.url
    assert body["spec"]["automountServiceAccountToken"] is False


def test_skew() -> None:
    """Control planes two minor versions apart fail the mesh; a mesh of one has no skew."""
    other = replace(AZURE, role=AWS.role)
    apart = [view(), view(member=other, found=found(istio="1.26.0"))]
    assert states(control.skew(apart)) == [("versions", Status.FAILED)]
    assert states(control.skew([view(), view(member=other)])) == [("versions", Status.OK)]
    assert states(control.skew([view()])) == []


def test_no_certificate() -> None:
    """A control plane without `cacerts` has a root of its own: nobody else trusts its services."""
    assert states(control.certificates([view()], NOW)) == [("certificate", Status.FAILED)]
