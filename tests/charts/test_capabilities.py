"""Each cluster gets the API versions of its own age, vendor suffixes included."""

from __future__ import annotations

import pytest

from tests.charts.rendering import case, one_of, render, run
from tests.tools.helm import Major

pytestmark = pytest.mark.service


@pytest.mark.parametrize(
    ("kube_version", "autoscaling", "policy", "stop"),
    [
        ("v1.20.2", "autoscaling/v2beta2", "policy/v1beta1", "exec"),
        ("v1.20.15-gke.13400", "autoscaling/v2beta2", "policy/v1beta1", "exec"),
        ("v1.21.0", "autoscaling/v2beta2", "policy/v1", "exec"),
        ("v1.22.17-eks-0a21954", "autoscaling/v2beta2", "policy/v1", "exec"),
        ("v1.23.0-alpha.1", "autoscaling/v2", "policy/v1", "exec"),
        ("v1.29.9-eks-a737599", "autoscaling/v2", "policy/v1", "exec"),
        ("v1.30.0-gke.100", "autoscaling/v2", "policy/v1", "sleep"),
        ("v1.37.1", "autoscaling/v2", "policy/v1", "sleep"),
    ],
)
def test_kubernetes(major: Major, kube_version: str, autoscaling: str, policy: str, stop: str) -> None:
    """Autoscaler, disruption budget and the wait before SIGTERM are written as that Kubernetes knows them."""
    objects = render(major, case("microservice/everything"), kube_version)
    (container,) = one_of(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert one_of(objects, "HorizontalPodAutoscaler")["apiVersion"] == autoscaling
    assert one_of(objects, "PodDisruptionBudget")["apiVersion"] == policy
    assert list(container["lifecycle"]["preStop"]) == [stop]


def test_older_kubernetes_is_refused(major: Major) -> None:
    """Before 1.20 the chart says so, instead of sending what the cluster would not understand."""
    one = case("microservice/minimal")
    values = str(one.folder / "values.yaml")
    done = run(major, "template", "fleet", str(one.chart), "--values", values, "--kube-version", "1.19.16")
    assert done.returncode != 0
    assert "1.20.0" in done.stderr


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        ((), "v1"),
        (("v1alpha3",), "v1alpha3"),
        (("v1alpha3", "v1beta1"), "v1beta1"),
        (("v1alpha3", "v1beta1", "v1"), "v1"),
    ],
)
def test_istio(major: Major, served: tuple[str, ...], expected: str) -> None:
    """Istio's objects are written in the newest version that the cluster serves; without a cluster, in v1."""
    one = case("istio/canary")
    group = "networking.istio.io"
    extra = [argument for version in served for argument in ("--api-versions", f"{group}/{version}")]
    done = run(major, "template", "fleet", str(one.chart), "--values", str(one.folder / "values.yaml"), *extra)
    assert done.returncode == 0, done.stderr
    versions = {line for line in done.stdout.splitlines() if line.startswith("apiVersion:")}
    assert versions == {f"apiVersion: {group}/{expected}"}
