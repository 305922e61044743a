"""What is done in each cluster, in which order, and what of it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcci.clients.helm.charts import Chart
from mcci.clients.helm.storage import StoredRelease
from mcci.clients.kubernetes.api import SECRET
from mcci.mesh import actions, perform
from mcci.mesh.actions import Inputs, Put, Upgrade
from tests.unit.clusters.fake_api import FakeApi
from tests.unit.mesh.meshes import deployment, planned

CHARTS = {
    name: Chart(name=name, folder=Path("charts", name), version="1.28.1", app_version="1.28.1", digest=f"sha-{name}")
    for name in ("base", "istiod", "gateway")
}
SEVERAL = {"aws": {"network": "one"}, "azure": {"network": "two"}}


def inputs(clusters: dict[str, dict[str, Any]] | None = None, **more: Any) -> Inputs:
    """Return what decides, for a shared control plane."""
    return Inputs(plan=planned({}, clusters), charts=CHARTS, values={}, **more)


def words(found: tuple[actions.Action, ...]) -> list[str]:
    """Return the actions in words."""
    return [each.words for each in found]


def test_order_in_a_primary() -> None:
    """Namespace, certificate, charts, and last what the gateway passes on, whose kinds the charts bring."""
    given = inputs(due=("aws",))
    assert words(actions.install(given, given.plan.members[0], "")) == [
        "Namespace istio-system",
        "Secret cacerts",
        "release istio-base (base 1.28.1)",
        "release istiod (istiod 1.28.1)",
        "release istio-eastwestgateway (gateway 1.28.1)",
        "Gateway istiod-gateway",
        "VirtualService istiod-vs",
    ]


def test_a_remotes_gateway_waits_for_the_join() -> None:
    """Its proxy is injected by a control plane that knows the cluster: `join` installs it, after the secret."""
    given = inputs(SEVERAL)
    azure = given.plan.members[1]
    assert words(actions.install(given, azure, "203.0.113.7")) == [
        "Namespace istio-system", "release istio-base (base 1.28.1)", "release istiod (istiod 1.28.1)",
    ]  # fmt: skip
    (gateway,) = actions.gateway(given, azure, "203.0.113.7")
    assert isinstance(gateway, Upgrade)
    assert gateway.release.values == {"name": "istio-eastwestgateway", "networkGateway": "two"}
    assert gateway.waits
    assert actions.gateway(given, given.plan.members[0], "") == ()
    flat = inputs()
    assert actions.gateway(flat, flat.plan.members[1], "") == ()


def _stored(description: str, status: str = "deployed") -> StoredRelease:
    return StoredRelease(
        name="istiod", revision=1, status=status, description=description, config={}, manifest="", chart={}
    )  # fmt: skip


def test_when_a_release_is_made() -> None:
    """A release stays while chart and values are the same, to a file's content, and its last revision went well."""
    given = inputs()
    one = next(each for each in actions.install(given, given.plan.members[0], "") if isinstance(each, Upgrade))
    assert one.is_made(_stored(one.mark))
    assert not one.is_made(None)
    assert not one.is_made(_stored(one.mark, status="failed"))
    assert not replace(one, chart=replace(one.chart, digest="other")).is_made(_stored(one.mark))
    other = replace(one.release, values={"defaultRevision": "1-28"})
    assert not replace(one, release=other).is_made(_stored(one.mark))


def test_no_secret_is_shown() -> None:
    """A Secret's data are masked, key by key; another object is shown as it is."""
    body = {"metadata": {"name": "s"}, "data": {"token": "aGVsbG8=", "key": "d29ybGQ="}}
    assert actions.shown(Put(kind=SECRET, body=body))["apply"]["data"] == {"token": "***", "key": "***"}
    assert "aGVsbG8=" not in repr(Put(kind=SECRET, body=body))
    assert set(actions.shown(actions.Certify())["apply"]["data"].values()) == {"***"}
    given = inputs()
    first = actions.shown(actions.install(given, given.plan.members[0], "")[0])
    assert first["apply"]["metadata"]["labels"]["mcci.io/mesh"] == "shop-production"


def test_put_is_idempotent() -> None:
    """An object that has all that is wanted is left, with what others added; one that differs is put right."""
    api = FakeApi("aws")
    body = {"metadata": {"name": "s", "namespace": "istio-system"}, "data": {"a": "MQ=="}}
    assert perform.put(api, SECRET, body)
    assert not perform.put(api, SECRET, body)
    api.merge(SECRET, "s", "istio-system", {"metadata": {"labels": {"team": "net"}}})
    assert not perform.put(api, SECRET, body)
    api.merge(SECRET, "s", "istio-system", {"data": {"a": "Mg=="}})
    assert perform.put(api, SECRET, body)


@pytest.mark.parametrize(("change", "words_"), [
    ({}, None),
    ({"status": {"observedGeneration": 0, "availableReplicas": 1, "updatedReplicas": 1}}, "has not seen it"),
    ({"status": {"observedGeneration": 1, "availableReplicas": 1}}, "0 of 1"),
    ({"status": {}}, "has not seen it"),
])  # fmt: skip
def test_ready(change: dict[str, Any], words_: str | None) -> None:
    """A Deployment is ready when its controller has seen it and every pod is new and available."""
    found = perform.unready({**deployment("istiod", "x"), **change})
    assert found is None if words_ is None else words_ in str(found)
    assert perform.unready(None) == "it is not there"
