"""The values of a release: where they come from, in which order, and what no file may say."""

from __future__ import annotations

import pytest

from mcci.config.load import load
from mcci.config.model import Config
from mcci.delivery.deploy.model import Chart
from mcci.delivery.deploy.sets import parse
from mcci.delivery.deploy.values import Layer, ServiceFiles, Values, merged, values
from mcci.errors import UsageError

TEXT = """
version: 1
application: fleet
services:
  web:
    ports: {grpc: 9000, http-admin: 9001}
    health: {live: /alive, ready: /ready, timeout: 31s}
    values: {microservice: {a: service, list: [3]}}
environments:
  stage: {clusters: [one], values: {microservice: {a: environment, b: environment, deep: {x: 1, y: 1}}}}
clusters:
  one: {cloud: aws, values: {microservice: {a: cluster, b: cluster, c: cluster, deep: {y: 2}, list: [1, 2]}}}
"""
FILE = ServiceFiles(
    values={"a": "file", "b": "file", "d": "file", "gone": None}, where="web/values.yml", profile="x: 1"
)


def of(text: str = TEXT, files: ServiceFiles = FILE, *sets: str, chart: Chart = Chart.MICROSERVICE) -> Values:
    """The values of the service `web` in that configuration."""
    config: Config = load(text.encode(), "mcci.yml")
    (environment,) = config.environments.values()
    (cluster,) = config.clusters.values()
    return values(chart, environment, cluster, config.services["web"], files, [parse(each) for each in sets])


def test_order() -> None:
    """Chart < environment < cluster < service in mcci.yml < service's file < --set."""
    found = of(TEXT, FILE, "microservice.e=set", "microservice.d=set")
    assert [found[key] for key in "abcde"] == ["file", "file", "cluster", "set", "set"]
    assert found["deep"] == {"x": 1, "y": 2}
    assert found["list"] == [3]


def test_null_reaches_helm() -> None:
    """A null takes a chart's default away, so it is passed on."""
    assert of()["gone"] is None


def test_what_the_configuration_says() -> None:
    """Ports, health, cloud and profile of mcci.yml become the chart's values."""
    found = of()
    assert found["ports"] == [{"name": "grpc", "containerPort": 9000}, {"name": "http-admin", "containerPort": 9001}]
    assert found["cloud"] == "aws"
    assert found["profile"] == {"content": "x: 1"}
    assert found["probes"]["startup"] == {
        "type": "grpc",
        "path": "/alive",
        "periodSeconds": 2,
        "failureThreshold": 16,
    }
    assert found["probes"]["readiness"]["path"] == "/ready"
    assert of(TEXT, ServiceFiles())["profile"] == {"name": "stage"}


def test_charts_are_apart() -> None:
    """The chart `istio` gets its own values, and nothing of the service's pods."""
    text = TEXT.replace("microservice: {a: service", "istio: {gateway: {enabled: true}}, microservice: {a: service")
    assert of(text, FILE, "istio.host=web.example", chart=Chart.ISTIO) == {
        "gateway": {"enabled": True},
        "host": "web.example",
    }


@pytest.mark.parametrize(
    ("files", "sets", "message"),
    [
        (
            ServiceFiles(values={"image": {"digest": "sha256:1"}}, where="web/values.yml"),
            [],
            "web/values.yml: .*digest",
        ),
        (ServiceFiles(values={"app": "other"}, where="web/values.yml"), [], "microservice.app"),
        (ServiceFiles(), ["microservice.parts=all"], "--set microservice.parts: .*the release decides it"),
    ],
)
def test_what_the_release_decides(files: ServiceFiles, sets: list[str], message: str) -> None:
    """Identity and digest are the release's, and a file that gives them is refused by its name."""
    with pytest.raises(UsageError, match=message):
        of(TEXT, files, *sets)


def test_own_name_may_stand_in_a_file() -> None:
    """A values file may name its own service, so that it also serves `helm` by hand."""
    assert of(TEXT, ServiceFiles(values={"app": "web"}, where="web/values.yml"))["app"] == "web"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("microservice.replicas=3", {"microservice": {"replicas": 3}}),
        ('microservice.env.A="3"', {"microservice": {"env": {"A": "3"}}}),
        ("microservice.labels.example\\.com/team=a=b", {"microservice": {"labels": {"example.com/team": "a=b"}}}),
        ("istio.virtualService.hosts=[a, b]", {"istio": {"virtualService": {"hosts": ["a", "b"]}}}),
        ("microservice.command=", {"microservice": {"command": None}}),
    ],
)
def test_set(given: str, expected: Values) -> None:
    """--set takes a path with its chart, and a value as YAML writes it."""
    assert parse(given).values == expected


@pytest.mark.parametrize("given", ["replicas=3", "microservice.replicas", "microservice..a=1", "other.a=1", "=", "a"])
def test_set_refused(given: str) -> None:
    """--set without chart, key or `=` is refused, with the form to write."""
    with pytest.raises(UsageError, match=r"written CHART\.KEY=VALUE"):
        parse(given)


def test_set_does_not_repeat_a_value() -> None:
    """A value that is not YAML may be a secret: the message does not hold it."""
    with pytest.raises(UsageError) as caught:
        parse("microservice.env.PASSWORD=[hunter2")
    assert "hunter2" not in str(caught.value)


def test_merge_takes_nothing_by_reference() -> None:
    """Merging changes none of its layers."""
    low = {"a": {"b": 1}}
    assert merged([low, {"a": {"c": 2}}]) == {"a": {"b": 1, "c": 2}}
    assert low == {"a": {"b": 1}}
    assert repr(Layer(where="x", values={"password": "hunter2"})) == "Layer(where='x')"
