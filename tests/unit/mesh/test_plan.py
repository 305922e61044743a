"""Who is what in a mesh, and the Helm values that make it so."""

from __future__ import annotations

import pytest

from mcci.mesh import objects, values
from tests.unit.mesh.meshes import planned

MULTI = {"topology": "multi-primary"}


def test_primary_remote() -> None:
    """The environment's first cluster has the control plane, all are on one network, and others use it."""
    plan = planned()
    assert plan.id == "shop-production"
    assert [(each.name, each.role.value, each.network) for each in plan.members] == [
        ("aws", "primary", "flat"),
        ("azure", "remote", "flat"),
    ]
    aws, azure = plan.members
    assert [each.name for each in plan.watched_by(aws)] == ["azure"]
    assert plan.watched_by(azure) == ()
    assert plan.has_gateway(aws)
    assert not plan.has_gateway(azure)


def test_multi_primary() -> None:
    """Each cluster has a control plane, a network and a gateway of its own, and each watches the others."""
    plan = planned(MULTI, {"aws": {}, "azure": {}, "gcp": {}})
    assert [each.name for each in plan.primaries] == ["aws", "azure", "gcp"]
    assert plan.networks == ("aws", "azure", "gcp")
    assert all(plan.has_gateway(each) for each in plan.members)
    assert [each.name for each in plan.watched_by(plan.members[1])] == ["aws", "gcp"]


def test_multi_primary_flat() -> None:
    """Control planes on one network need no gateways: the pods reach each other."""
    plan = planned(MULTI, {"aws": {"network": "vpn"}, "azure": {"network": "vpn"}})
    assert plan.is_flat
    assert not any(plan.has_gateway(each) for each in plan.members)


def test_values_of_a_primary() -> None:
    """The values are those that Istio's guide sets for a primary with remotes."""
    plan = planned()
    base, istiod, gateway = values.releases(plan, plan.members[0], "", {})
    assert (base.name, base.chart, base.values) == ("istio-base", "base", {})
    assert istiod.values == {
        "global": {
            "meshID": "shop-production",
            "multiCluster": {"clusterName": "aws"},
            "network": "flat",
            "istioNamespace": "istio-system",
            "externalIstiod": True,
        },
        "meshConfig": {"trustDomain": "cluster.local"},
        "env": {"AUTO_RELOAD_PLUGIN_CERTS": "true"},
    }
    assert (gateway.name, gateway.chart) == ("istio-eastwestgateway", "gateway")
    assert gateway.values == {"name": "istio-eastwestgateway", "networkGateway": "flat"}


def test_values_of_a_remote() -> None:
    """A remote's charts have the profile, the path of injection and the address of the control plane."""
    plan = planned()
    base, istiod = values.releases(plan, plan.members[1], "203.0.113.7", {})
    assert base.values == {"profile": "remote"}
    assert istiod.values["profile"] == "remote"
    assert istiod.values["istiodRemote"] == {"injectionPath": "/inject/cluster/azure/net/flat"}
    assert istiod.values["global"]["remotePilotAddress"] == "203.0.113.7"
    assert istiod.values["global"]["configCluster"] is True
    assert "externalIstiod" not in istiod.values["global"]


def test_own_values_lie_under() -> None:
    """A user's values are kept, but for those that make the clusters one mesh."""
    plan = planned()
    given = {"istiod": {"global": {"hub": "mirror.example/istio", "meshID": "other"}, "replicaCount": 2}}
    _, istiod, _ = values.releases(plan, plan.members[0], "", given)
    assert istiod.values["global"]["hub"] == "mirror.example/istio"
    assert istiod.values["global"]["meshID"] == "shop-production"
    assert istiod.values["replicaCount"] == 2
    assert given["istiod"]["global"]["meshID"] == "other"  # type: ignore[index]


def test_namespace() -> None:
    """The network is labelled where there are several; a remote names whose control plane it uses."""
    flat, multi = planned(), planned(MULTI)
    _, body = objects.namespace(flat, flat.members[1])
    assert body["metadata"]["annotations"] == {"topology.istio.io/controlPlaneClusters": "aws"}
    assert "topology.istio.io/network" not in body["metadata"]["labels"]
    _, body = objects.namespace(multi, multi.members[1])
    assert body["metadata"]["labels"]["topology.istio.io/network"] == "azure"
    assert "annotations" not in body["metadata"]


def test_what_gateways_pass_on() -> None:
    """A shared control plane is let through by its ports; between networks the services' own TLS is."""
    flat, multi = planned(), planned(MULTI)
    (_, gateway), (_, route) = objects.exposed(flat, flat.members[0])
    assert [each["port"]["number"] for each in gateway["spec"]["servers"]] == [15012, 15017]
    assert {each["tls"]["mode"] for each in gateway["spec"]["servers"]} == {"PASSTHROUGH"}
    assert [each["route"][0]["destination"]["port"]["number"] for each in route["spec"]["tls"]] == [15012, 443]
    ((_, cross),) = objects.exposed(multi, multi.members[1])
    assert cross["spec"]["servers"] == [
        {"port": {"number": 15443, "name": "tls", "protocol": "TLS"}, "tls": {"mode": "AUTO_PASSTHROUGH"},
         "hosts": ["*.local"]}
    ]  # fmt: skip


@pytest.mark.parametrize(("gateway", "resolution", "port"), [
    ("198.51.100.9", "STATIC", 15443), ("east.partner.example:31443", "DNS", 31443),
])  # fmt: skip
def test_federation(gateway: str, resolution: str, port: int) -> None:
    """A service of another mesh is called by its name there, through that mesh's gateway, with both sides' identity."""
    service = {"host": "staff.hr.svc.cluster.local", "gateway": gateway, "ports": {"http": 8080, "tcp-db": 5432},
               "identities": ["spiffe://partner.example/ns/hr/sa/staff"]}  # fmt: skip
    plan = planned()
    from tests.unit.mesh.meshes import config

    (_, entry), (_, rule) = objects.federation(plan, config({"services": {"staff": service}}).mesh.services.values())
    spec = entry["spec"]
    assert (spec["hosts"], spec["location"], spec["resolution"]) == (
        ["staff.hr.svc.cluster.local"],
        "MESH_INTERNAL",
        resolution,
    )
    assert [(each["number"], each["protocol"]) for each in spec["ports"]] == [(8080, "HTTP"), (5432, "TCP")]
    assert spec["endpoints"][0]["ports"] == {"http": port, "tcp-db": port}
    assert spec["endpoints"][0]["address"] == gateway.partition(":")[0]
    assert spec["subjectAltNames"] == ["spiffe://partner.example/ns/hr/sa/staff"]
    assert rule["spec"]["trafficPolicy"]["tls"] == {"mode": "ISTIO_MUTUAL"}
