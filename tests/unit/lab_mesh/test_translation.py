"""Istio objects become Envoy's resources: what each field turns into, and what is said of a field that is not known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcci.lab.mesh import objects
from mcci.lab.mesh.destinations import Place
from mcci.lab.mesh.http_routes import routes
from mcci.lab.mesh.model import Pod, Port, Service, World
from mcci.lab.mesh.translation import CLUSTERS, LISTENERS, static_resources, translate

Json = dict[str, Any]
SERVICE = Service(
    name="staff-service", namespace="vehicles", address="127.1.0.1", selector={"app": "staff-service"},
    ports=(Port(name="http", number=8080, target="http"), Port(name="tcp-line", number=9000, target=9000)),
)  # fmt: skip
METADATA = {"name": "staff-service", "namespace": "vehicles"}


def pod(name: str, version: str, cluster: str = "aws", **ports: int) -> Pod:
    """Return a ready pod of the service."""
    return Pod(name=name, cluster=cluster, namespace="vehicles", address="127.2.0.1",
               labels={"app": "staff-service", "version": version}, ports=ports or {"http": 8080})  # fmt: skip


def route(**fields: Any) -> Json:
    """Return what one HTTPRoute becomes."""
    place = Place(world=World(services=(SERVICE,)), namespace="vehicles", port=8080)
    fields.setdefault("route", [{"destination": {"host": "staff-service"}}])
    found: Json = next(routes(fields, place, gateway="mesh"))
    return found


@pytest.mark.parametrize(
    "host", ["staff-service", "staff-service.vehicles", "staff-service.vehicles.svc.cluster.local"]
)
def test_short_names(host: str) -> None:
    """A short name means the Service in the VirtualService's namespace, as Istio reads it."""
    made = route(route=[{"destination": {"host": host, "subset": "v2"}}])
    assert made["route"]["cluster"] == "outbound|8080|v2|staff-service.vehicles.svc.cluster.local"


def test_no_timeout_and_istios_retries() -> None:
    """A route that says nothing has no timeout, and sends a request again only where no pod has seen it."""
    action = route()["route"]
    assert action["timeout"] == "0s"
    assert action["retry_policy"]["num_retries"] == 2
    assert action["retry_policy"]["retry_on"] == "connect-failure,refused-stream,unavailable,cancelled"


def test_attempts_0() -> None:
    """`attempts: 0` turns retries off, and is not taken for a value left out."""
    assert route(retries={"attempts": 0})["route"]["retry_policy"]["num_retries"] == 0


@pytest.mark.parametrize(
    ("match", "wanted"),
    [
        ({"uri": {"exact": "/a"}}, {"path": "/a"}),
        ({"uri": {"prefix": "/a"}, "ignoreUriCase": True}, {"prefix": "/a", "case_sensitive": False}),
        ({"uri": {"regex": "/a.*"}}, {"safe_regex": {"regex": "/a.*"}}),
        ({"headers": {"x": {}}}, {"prefix": "/", "headers": [{"name": "x", "present_match": True}]}),
        (
            {"withoutHeaders": {"x": {"exact": "1"}}},
            {"prefix": "/", "headers": [{"name": "x", "string_match": {"exact": "1"}, "invert_match": True}]},
        ),
        (
            {"method": {"exact": "GET"}},
            {"prefix": "/", "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
        ),
    ],
)
def test_match(match: Json, wanted: Json) -> None:
    """Each kind of match becomes Envoy's."""
    assert route(match=[match])["match"] == wanted


def test_a_match_for_another_gateway_is_left_out() -> None:
    """A match that names its gateways holds for those alone."""
    place = Place(world=World(services=(SERVICE,)), namespace="vehicles", port=8080)
    fields = {"match": [{"gateways": ["edge"]}], "route": [{"destination": {"host": "staff-service"}}]}
    assert list(routes(fields, place, gateway="mesh")) == []
    assert len(list(routes(fields, place, gateway="edge"))) == 1


def _line(subset: str, weight: int) -> Json:
    return {"destination": {"host": "staff-service", "subset": subset, "port": {"number": 9000}}, "weight": weight}


def test_tcp_weights() -> None:
    """A TCP port has the weights of the tcp routes; an HTTP port does not."""
    virtual = {
        "metadata": METADATA,
        "spec": {
            "hosts": ["staff-service"],
            "tcp": [{"route": [_line("v1", 90), _line("v2", 10)]}],
        },
    }
    listeners = static_resources(World(services=(SERVICE,), virtual_services=(virtual,)))["listeners"]
    proxy = listeners[1]["filter_chains"][0]["filters"][0]["typed_config"]
    assert [each["weight"] for each in proxy["weighted_clusters"]["clusters"]] == [90, 10]
    assert "http_connection_manager" in listeners[0]["filter_chains"][0]["filters"][0]["name"]


def test_endpoints_of_all_clusters_by_subset() -> None:
    """A subset's endpoints are the ready pods with its labels in every cluster, by the port's name."""
    rule = {
        "metadata": METADATA,
        "spec": {"host": "staff-service", "subsets": [{"name": "v2", "labels": {"version": "v2"}}]},
    }
    pods = (pod("a", "v1"), pod("b", "v2", "azure", http=8081), pod("c", "v2", "azure", other=1))
    world = World(services=(SERVICE,), pods=pods, destination_rules=(rule,))
    found = {
        each["name"]: [
            endpoint["endpoint"]["address"]["socket_address"]["port_value"]
            for endpoint in each["load_assignment"]["endpoints"][0]["lb_endpoints"]
        ]
        for each in static_resources(world)["clusters"]
    }
    host = "staff-service.vehicles.svc.cluster.local"
    assert found[f"outbound|8080||{host}"] == [8080, 8081]
    assert found[f"outbound|8080|v2|{host}"] == [8081]  # the pod without such a port is left out


def test_only_the_routes_file_changes_with_a_weight() -> None:
    """New weights change one file, so that listeners, clusters and endpoints are not touched by a canary's step."""

    def files(weight: int) -> dict[str, str]:
        destinations = [
            {"destination": {"host": "staff-service", "subset": subset}, "weight": share}
            for subset, share in (("v1", 100 - weight), ("v2", weight))
        ]
        virtual = {"metadata": METADATA, "spec": {"hosts": ["staff-service"], "http": [{"route": destinations}]}}
        return dict(translate(World(services=(SERVICE,), virtual_services=(virtual,)), "/xds").files)

    before, after = files(10), files(25)
    changed = [name for name in before if before[name] != after[name]]
    assert len(changed) == 1
    assert changed[0].startswith("routes-")
    assert json.loads(before[LISTENERS])["resources"]
    assert json.loads(before[CLUSTERS])["resources"]


def test_unknown_fields_are_said() -> None:
    """A field that is not translated is named with its object."""
    virtual = {"metadata": METADATA, "spec": {"hosts": ["staff-service"], "http": [{"corsPolicy": {}, "route": []}]}}
    rule = {
        "metadata": METADATA,
        "spec": {
            "host": "staff-service",
            "trafficPolicy": {"loadBalancer": {"consistentHash": {}}, "portLevelSettings": []},
        },
    }
    world = World(services=(SERVICE,), virtual_services=(virtual,), destination_rules=(rule,))
    assert translate(world, "/xds").unknown == (
        "VirtualService staff-service: http.corsPolicy",
        "DestinationRule staff-service: loadBalancer.consistentHash",
        "DestinationRule staff-service: portLevelSettings",
    )


def test_pods_that_take_no_traffic() -> None:
    """A pod that is not ready, has no address yet or is on its way out is not in the mesh."""

    def raw(*, ready: str = "True", address: str = "127.2.0.1", **metadata: str) -> Json:
        status = {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]}
        spec = {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]}
        return {"metadata": {"name": "a", "namespace": "vehicles", **metadata}, "spec": spec, "status": status}

    pods = {"aws": [raw(), raw(ready="False"), raw(address=""), raw(deletionTimestamp="2026-01-01T00:00:00Z")]}
    found = objects.world([], pods).pods
    assert [each.ports for each in found] == [{"http": 8080}]
