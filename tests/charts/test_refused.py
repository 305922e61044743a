"""Bad values are refused, by schema or template, with a message that names the value: nothing reaches a cluster."""

from __future__ import annotations

import re

import pytest

from tests.charts.rendering import case, run
from tests.tools.helm import Major

pytestmark = pytest.mark.service

MICROSERVICE = [
    # what a release needs
    ("app=", "app is missing"),
    ("version=", "version is missing"),
    ("image.digest=", "image.digest is missing"),
    ("image.repository=", "image.repository is missing"),
    # a tag where a digest is required
    ("image.digest=v1.2.3", "/image/digest"),
    ("image.digest=sha256:abc", "/image/digest"),
    (f"image.digest=sha256:{'AB' * 32}", "/image/digest"),
    ("image.tag=v1", "/image.*tag"),
    ("image.repository=registry.example.com/fleet/staff:v1", "/image/repository"),
    ("image.repository=staff@sha256", "/image/repository"),
    # wrong types and choices
    ("replicas=two", "/replicas"),
    ("replicas=-1", "/replicas"),
    ("version=2", "/version"),
    ("app=Staff", "/app"),
    ("track=beta", "/track"),
    ("parts=some", "/parts"),
    ("env.PORT=8080", "/env/PORT"),
    ("env.not-a-name=x", "not-a-name"),
    ("ports=http", "/ports"),
    ("ports[0].containerPort=70000", "/ports/0/containerPort"),
    ("ports[0].name=8080,ports[0].containerPort=8080", "/ports/0/name"),
    ("probes.readiness.path=readyz", "/probes/readiness/path"),
    ("caBundle.content=secret", "/caBundle/content"),
    ("replica=2", "replica"),
    # what only makes sense together
    ("probes.liveness.port=admin", r"probes\.liveness\.port"),
    ("metrics.port=admin", r"metrics\.port"),
    ("termination.preStopSeconds=45", r"termination\.graceSeconds"),
    ("mesh.minimumDrainSeconds=45", r"mesh\.minimumDrainSeconds"),
    ("rollout.maxSurge=0", r"rollout\.maxSurge"),
    ("migration.enabled=true", r"migration\.command"),
    ("autoscaling.enabled=true,autoscaling.minReplicas=11", r"autoscaling\.minReplicas"),
    ("autoscaling.enabled=true,autoscaling.targetCPUPercent=0", r"autoscaling\.targetCPUPercent"),
    ("cloud=aws,env.CLOUD=azure", "CLOUD"),
    ("env.KEY=a,secretEnv.KEY.secret=s,secretEnv.KEY.key=k", r"secretEnv\.KEY"),
    ("ports[0].name=http,ports[0].containerPort=80,ports[1].name=http,ports[1].containerPort=81", "names http, http"),
]

ISTIO = [
    # weights
    ("weights[0].weight=89", "weights must sum to 100, but sum to 99"),
    ("weights[0].weight=91", "weights must sum to 100, but sum to 101"),
    ("weights[0].weight=110,weights[1].weight=-10", "/weights/"),
    ("weights[0].weight=ninety", "/weights/0/weight"),
    ("weights[0].weight=89.5", "/weights/0/weight"),
    ("weights[0].subset=v3", r'weights\[0\]\.subset is "v3"'),
    ("weights[0].subset=v2", r'weights\[1\]\.subset: "v2" stands twice'),
    ("weights[0].percent=90", "percent"),
    ("weights=null", "weights is missing"),
    # subsets and testers
    ("subsets[0].version=", "/subsets/0/version"),
    ("subsets[0].version=null", "/subsets/0"),
    ("subsets[2].name=v3", "/subsets/2.*version"),
    ("subsets[2].name=v2,subsets[2].version=v9", "subsets: the names v1, v2, v2"),
    ("testers.subset=v3", r'testers\.subset is "v3"'),
    # routes and the rest
    ("virtualService.http=null", "virtualService.http and virtualService.tcp are both empty"),
    ("virtualService.http[0].subset=v9", r'virtualService\.http\[0\]\.subset is "v9"'),
    (
        "virtualService.http[0].route[0].destination.host=a,virtualService.http[0].port=80",
        r"virtualService\.http\[0\]\.route names its destinations itself",
    ),
    ("virtualService.http[0].timeouts=5s", "/virtualService/http/0.*timeouts"),
    ("virtualService.http[0].retries.attempts=two", "/virtualService/http/0/retries/attempts"),
    ("destinationRule.trafficPolicy.connectionPool.tcp.maxConnections=ten", "maxConnections"),
    ("destinationRule.trafficPolicy.tcp.maxConnections=10", "/destinationRule/trafficPolicy.*tcp"),
    ("gateway.enabled=true,virtualService.hosts={a.example.com}", r"gateway\.servers"),
    ("gateway.enabled=true", r"virtualService\.hosts"),
    ("serviceEntries[0].name=a", "/serviceEntries/0"),
    ("ingressGateway.cloud=oracle", "/ingressGateway/cloud"),
    ("ingressGateway.enabled=true,ingressGateway.minReplicas=9", r"ingressGateway\.minReplicas"),
    ("app=", "app is missing"),
    ("apiVersion=v2", "/apiVersion"),
]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [pytest.param("microservice/minimal", *entry, id=f"microservice:{entry[0]}") for entry in MICROSERVICE]
    + [pytest.param("istio/canary", *entry, id=f"istio:{entry[0]}") for entry in ISTIO],
)
def test_refused(major: Major, name: str, change: str, message: str) -> None:
    """The one change makes Helm refuse the values, and its message names the value."""
    one = case(name)
    done = run(
        major,
        "template",
        "fleet",
        str(one.chart),
        "--values",
        str(one.folder / "values.yaml"),
        "--set",
        change,
        "--kube-version",
        one.kube_version,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert re.search(message, done.stderr, re.DOTALL), done.stderr


def test_grpc_probe_needs_its_kubernetes(major: Major) -> None:
    """A gRPC probe on a Kubernetes that would drop it silently is refused."""
    one = case("microservice/minimal")
    done = run(
        major,
        "template",
        "fleet",
        str(one.chart),
        "--values",
        str(one.folder / "values.yaml"),
        "--set",
        "probes.liveness.type=grpc",
        "--kube-version",
        "1.23.0",
    )
    assert done.returncode != 0
    assert "probes.liveness.type is grpc, which needs Kubernetes 1.24" in done.stderr


def test_hook_cannot_wait_for_its_own_release(major: Major) -> None:
    """A migration that would wait for ever for an ExternalSecret of its own release is refused."""
    one = case("microservice/shared")
    done = run(
        major,
        "template",
        "fleet",
        str(one.chart),
        "--values",
        str(one.folder / "values.yaml"),
        "--values",
        str(case("microservice/migration").folder / "values.yaml"),
        "--set",
        "parts=all",
    )
    assert done.returncode != 0
    assert "migration.enabled and externalSecrets cannot stand in one release" in done.stderr
