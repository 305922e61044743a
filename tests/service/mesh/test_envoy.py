"""The lab's mesh on the real Envoy and the real Prometheus: what the Istio objects say is what happens on the wire."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from mcci.lab.mesh.model import Pod, Port, Service, World, cluster_name
from mcci.lab.mesh.prometheus import Prometheus
from mcci.lab.mesh.proxy import Proxy, find_envoy
from mcci.lab.mesh.translation import static_resources
from tests.service.mesh.backends import Backend

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = sorted((Path(__file__).parents[2] / "charts/cases/istio").glob("*/expected.yaml"))
ADDRESS = "127.0.0.1"


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.parent.name)
def test_golden_cases_are_valid(case: Path, tmp_path: Path) -> None:
    """Envoy takes what every golden case of the chart is translated to."""
    objects = [each for each in yaml.safe_load_all(case.read_text()) if each]

    def kind(name: str) -> tuple[dict[str, Any], ...]:
        return tuple(each for each in objects if each["kind"] == name)

    hosts = {rule["spec"]["host"] for rule in kind("DestinationRule")} | {
        destination["destination"]["host"]
        for virtual in kind("VirtualService")
        for route in virtual["spec"].get("http", [])
        for destination in route.get("route", [])
    }
    ports = (
        Port(name="http-web", number=80, target=8080),
        Port(name="http", number=8080, target=8080),
        Port(name="http-secure", number=443, target=8080),
        Port(name="tcp-line", number=9000, target=9000),
    )
    names = sorted(tuple(host.split(".")[:2]) for host in hosts if host.endswith(".svc.cluster.local"))
    services = tuple(
        Service(name=name, namespace=space, address=f"127.0.1.{number}", ports=ports, selector={"app": name})
        for number, (name, space) in enumerate(names, 1)
    )
    pods = tuple(
        Pod(name=f"{service.name}-1", cluster="aws", namespace=service.namespace, address="127.0.0.1",
            labels={"app": service.name, "version": "v1"}, ports={})
        for service in services
    )  # fmt: skip
    world = World(services=services, pods=pods, virtual_services=kind("VirtualService"),
                  destination_rules=kind("DestinationRule"), gateways=kind("Gateway"))  # fmt: skip
    resources = static_resources(world, ("127.0.0.1", {80: 8088, 443: 8443}))
    path = tmp_path / "static.json"
    path.write_text(json.dumps({"static_resources": resources}))
    done = subprocess.run([find_envoy(), "--mode", "validate", "-c", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_unknown_subset_is_not_valid(tmp_path: Path) -> None:
    """Envoy refuses a route to a subset that no DestinationRule defines: the check above can fail."""
    world = _world([], (("v1", 50), ("v9", 50)))
    path = tmp_path / "static.json"
    path.write_text(json.dumps({"static_resources": static_resources(world)}))
    done = subprocess.run([find_envoy(), "--mode", "validate", "-c", path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert cluster_name("staff-service.vehicles.svc.cluster.local", 8080, "v9") in done.stderr


def _world(backends: list[Backend], weights: tuple[tuple[str, int], ...], *, port: int = 8080) -> World:
    service = Service(name="staff-service", namespace="vehicles", address=ADDRESS, selector={"app": "staff-service"},
                      ports=(Port(name="http", number=port, target="http"),))  # fmt: skip
    metadata = {"name": "staff-service", "namespace": "vehicles"}
    destinations = [
        {"destination": {"host": service.host, "subset": subset}, "weight": weight} for subset, weight in weights
    ]
    virtual = {
        "metadata": metadata,
        "spec": {
            "hosts": [service.host, "fleet.example.com"],
            "gateways": ["mesh", "edge"],
            "http": [
                {
                    "name": "testers",
                    "match": [{"headers": {"x-canary": {"exact": "always"}}}],
                    "route": [{"destination": {"host": service.host, "subset": "v2"}}],
                },
                {"name": "primary", "route": destinations},
            ],
        },
    }
    rule = {
        "metadata": metadata,
        "spec": {
            "host": service.host,
            "subsets": [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")],
        },
    }
    gateway = {
        "metadata": {"name": "edge", "namespace": "vehicles"},
        "spec": {"servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*.example.com"]}]},
    }
    return World(services=(service,), pods=tuple(each.pod for each in backends), virtual_services=(virtual,),
                 destination_rules=(rule,), gateways=(gateway,))  # fmt: skip


class Mesh:
    """One Envoy before two versions, and its Prometheus."""

    def __init__(self, folder: Path, backends: list[Backend]) -> None:
        self.backends = backends
        self.port, self.edge = free_port(), free_port()
        self.proxy = Proxy("aws", folder / "envoy", admin=(ADDRESS, free_port()), gateway=(ADDRESS, {80: self.edge}))
        self.prometheus = Prometheus(
            "aws", folder / "prometheus", address=(ADDRESS, free_port()), envoy=self.proxy.admin, interval=0.5
        )

    def weigh(self, *weights: tuple[str, int]) -> None:
        """Give the proxy new weights."""
        assert self.proxy.write(_world(self.backends, weights, port=self.port)) == ()

    def url(self) -> str:
        """The service, as other services of the cluster call it."""
        return f"http://{ADDRESS}:{self.port}/"


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Mesh]:
    """Run the mesh with 90 % on v1, which is in one cloud, and 10 % on v2, which is in the other."""
    with Backend("v1") as one, Backend("v2", cluster="azure") as two:
        found = Mesh(tmp_path, [one, two])
        found.weigh(("v1", 90), ("v2", 10))
        with found.proxy:
            yield found


def _ask(url: str, count: int, **headers: str) -> Counter[str]:
    with httpx.Client() as client:
        return Counter(client.get(url, headers=headers).text for _ in range(count))


def test_weights_on_the_wire(mesh: Mesh) -> None:
    """The thesis's 90/10 is what a thousand requests see, within four standard deviations; a tester sees v2 alone."""
    counts = _ask(mesh.url(), 1000)
    assert counts["v1"] + counts["v2"] == 1000
    assert 62 <= counts["v2"] <= 138  # 100 ± 4 √(1000 · 0.1 · 0.9)
    assert _ask(mesh.url(), 20, **{"x-canary": "always"}) == {"v2": 20}
    assert (
        26 <= _ask(f"http://{ADDRESS}:{mesh.edge}/", 500, host="fleet.example.com")["v2"] <= 90
    )  # the edge has them too


def test_weight_0_gets_nothing(mesh: Mesh) -> None:
    """A version beside the stable one at weight 0 sees no request at all."""
    mesh.weigh(("v1", 100), ("v2", 0))
    _until(lambda: _ask(mesh.url(), 50) == {"v1": 50})
    assert _ask(mesh.url(), 500) == {"v1": 500}


def test_no_request_is_lost_by_a_change(mesh: Mesh) -> None:
    """While the weights change fifty times, every request is answered 200 by one of the versions."""
    done = threading.Event()
    codes: Counter[int] = Counter()

    def load() -> None:
        with httpx.Client() as client:
            while not done.is_set():
                codes[client.get(mesh.url()).status_code] += 1

    thread = threading.Thread(target=load)
    thread.start()
    for number in range(50):
        mesh.weigh(("v1", 100 - number * 2), ("v2", number * 2))
        time.sleep(0.02)
    done.set()
    thread.join()
    assert set(codes) == {200}
    assert codes[200] > 100


def test_a_pod_that_comes_and_goes(mesh: Mesh) -> None:
    """A new pod takes traffic and one that is no longer ready gets none, without a failed request."""
    with Backend("v1", app="staff-service") as more:
        more.version = "v1-more"
        pods = [*mesh.backends]
        mesh.backends.append(more)
        world = _world(mesh.backends, (("v1", 100), ("v2", 0)), port=mesh.port)
        pods_now = [
            Pod(name=f"pod-{n}", cluster=p.cluster, namespace=p.namespace, address=p.address,
                labels={"app": "staff-service", "version": version}, ports=p.ports)
            for n, (p, version) in enumerate(zip(world.pods, ("v1", "v2", "v1"), strict=True))
        ]  # fmt: skip
        mesh.proxy.write(World(services=world.services, pods=tuple(pods_now), virtual_services=world.virtual_services,
                               destination_rules=world.destination_rules, gateways=world.gateways))  # fmt: skip
        _until(lambda: _ask(mesh.url(), 20).keys() == {"v1", "v1-more"})
        mesh.backends = pods
        mesh.weigh(("v1", 100), ("v2", 0))
        _until(lambda: _ask(mesh.url(), 20) == {"v1": 20})


def test_prometheus_has_istios_names(mesh: Mesh) -> None:
    """Prometheus answers istio_requests_total by version and code, and the durations' buckets, with true counts."""
    mesh.backends[1].failing = True
    with mesh.prometheus as prometheus:
        counts = _ask(mesh.url(), 200)

        def total(query: str) -> dict[tuple[str, str], float]:
            address = f"{prometheus.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
            with urllib.request.urlopen(address, timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
            return {
                (each["metric"]["destination_version"], each["metric"].get("response_code", "")): float(
                    each["value"][1]
                )
                for each in found
            }

        wanted = {("v1", "200"): counts["v1"], ("v2", "500"): counts["v2"]}
        selector = 'destination_service_name="staff-service",destination_service_namespace="vehicles",reporter="source"'
        _until(lambda: total(f"istio_requests_total{{{selector}}}") == wanted)
        buckets = f'istio_request_duration_milliseconds_bucket{{{selector},le="+Inf"}}'
        _until(lambda: total(buckets) == {("v1", ""): counts["v1"], ("v2", ""): counts["v2"]})


def _until(true: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.1)
