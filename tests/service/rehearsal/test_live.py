"""What the page reads of a lab: weights from its clusters' APIs; rates, errors, latency from a real Prometheus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml

from mcci.clients.kubernetes import client, kubeconfig
from mcci.clients.kubernetes.api import SERVICE as SERVICE_KIND
from mcci.rehearsal.page.lab import LabCluster
from mcci.rehearsal.page.live import Live
from tests.service.canary.project import project
from tests.service.judge.servers import prometheus
from tests.service.mesh.backends import Backend
from tests.unit.canary.objects import V1, V2
from tests.unit.canary.world import SERVICE, SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.canary.project import Project


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Project]:
    """Two clusters with a canary at weight 0."""
    with project(tmp_path, ("prod-aws", "prod-azure")) as found:
        found.deploy()
        yield found


def _recorded(now: int) -> str:
    """Two minutes in OpenMetrics: 40 requests/s to each version, all within 50 to 100 ms; of the canary's 10 % fail."""
    rows: dict[str, list[str]] = {}
    for second in range(0, 241, 2):
        for version, failed in ((V1, 0), (V2, 4)):
            labels = (
                f'destination_service_name="{SERVICE}",destination_service_namespace="{SPACE}",'
                f'destination_version="{version}"'
            )
            buckets = f"istio_request_duration_milliseconds_bucket{{{labels},"
            for name, each in (
                (f'istio_requests_total{{{labels},response_code="200"}}', 40 - failed),
                (f'istio_requests_total{{{labels},response_code="503"}}', failed),
                (f'{buckets}le="50.0"}}', 0),
                (f'{buckets}le="100.0"}}', 40),
                (f'{buckets}le="+Inf"}}', 40),
            ):
                rows.setdefault(name, []).append(f"{name} {each * second} {now - 120 + second}")
    return "\n".join([*(row for own in rows.values() for row in own), "# EOF", ""])


def _gone(deployed: Project) -> client.Client:
    """Return a cluster at whose address nobody answers."""
    document = yaml.safe_load(deployed.clusters["prod-azure"].kubeconfig())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    return client.connect("gone", kubeconfig.read(document, "gone"))


def test_canaries_of_a_lab(deployed: Project, tmp_path: Path) -> None:
    """Weights are what the VirtualServices say, figures what the cluster's metrics say; a lost cluster is named."""
    assert deployed.run("step", SERVICE, "--to", "10")[0] == 0
    shop = Backend("v1")
    port = shop.pod.ports["http"]
    spec = {"clusterIP": "127.0.0.1", "ports": [{"port": port}]}
    deployed.api("prod-aws").create(SERVICE_KIND, {"metadata": {"name": SERVICE, "namespace": SPACE}, "spec": spec})
    with shop, prometheus(tmp_path / "prometheus", openmetrics=_recorded(int(time.time()))) as url:
        clusters = [
            LabCluster(deployed.connect("prod-aws"), SPACE, [SERVICE, "webapp"], url),
            LabCluster(deployed.connect("prod-azure"), SPACE, [SERVICE, "webapp"]),
            LabCluster(_gone(deployed), SPACE, [SERVICE, "webapp"]),
        ]
        live = Live(clusters, SERVICE)
        shop.failing = True
        live.read(1000.0)
        assert live.body()["application"] == {}  # it is shown once it answers, and stays
        shop.failing = False
        live.read(1002.0)
        for each in clusters:
            each.close()
    (canary,) = live.body()["canaries"]
    aws, azure, gone = canary["clusters"]
    assert [(each["version"], each["weight"], each["track"]) for each in aws["versions"]] == [
        (V1, 90, "stable"), (V2, 10, "canary"),
    ]  # fmt: skip
    assert [each["rate"] for each in aws["versions"]] == [pytest.approx(40, rel=0.1)] * 2
    assert [each["errors"] for each in aws["versions"]] == [pytest.approx(0), pytest.approx(10, rel=0.1)]
    assert aws["versions"][1]["p95"] == pytest.approx(97.5, rel=0.02)
    assert [(each["weight"], each["rate"]) for each in azure["versions"]] == [(90, None), (10, None)]
    assert (aws["problem"], azure["problem"], gone["versions"]) == ("", "", [])
    assert "gone" in gone["problem"]
    assert [(each["at"], each["weight"]) for each in canary["history"]] == [(1000.0, 10), (1002.0, 10)]
    assert live.body()["application"]["url"] == f"http://127.0.0.1:{port}/"
