"""The checks of a cluster find what is wrong with it, and say what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcci.clients.kubernetes.api import DEPLOYMENT, NAMESPACE, VIRTUAL_SERVICE, Kind, Unreachable
from mcci.clients.prometheus import MetricsFailed, Prometheus
from mcci.clusters.permissions import Feature, needed
from mcci.delivery.doctor import cluster
from mcci.delivery.doctor.cluster import Subject
from mcci.delivery.doctor.model import Result, Status
from tests.unit.clusters.fake_api import FakeApi, Fault, State

RIGHTS = needed(frozenset({Feature.MESH}))


def subject(state: State, **more: Any) -> Subject:
    return Subject(
        api=FakeApi("prod-aws", state), environment="production", namespace="shop", application="shop",
        permissions=RIGHTS, routes=True, mesh_namespace="istio-system", prometheus=None, config_option="",
        **more,
    )  # fmt: skip


def found(state: State, check: str, **more: Any) -> Result:
    results = [each for each in cluster.examine(replace(subject(state), **more)) if each.check == check]
    assert len(results) == 1
    return results[0]


def ours(state: State, application: str = "shop") -> State:
    FakeApi("", state).put(NAMESPACE, {"metadata": {"name": "shop", "labels": {"mcci.io/application": application}}})
    return state


def test_all_well() -> None:
    """A cluster that is as it should be fails no check."""
    results = cluster.examine(subject(ours(State())))
    assert {each.status for each in results} == {Status.OK, Status.SKIPPED}
    assert {each.cluster for each in results} == {"prod-aws"}
    assert [each.check for each in results][:4] == ["reachable", "clock", "namespace", "permissions"]


def test_unreachable() -> None:
    """A cluster that is not reached is asked nothing else."""
    checked = subject(State())
    checked.api.script.faults.append(Fault(error=Unreachable("gone"), verb="version"))  # type: ignore[attr-defined]
    assert [(each.check, each.status, each.found) for each in cluster.examine(checked)] == [
        ("reachable", Status.FAILED, "gone")
    ]


@pytest.mark.parametrize(
    ("version", "status"),
    [("v1.34.5", Status.OK), ("v1.24.17-eks-1", Status.WARNING), ("v2.0.0", Status.OK), ("", Status.OK)],
)
def test_version(version: str, status: Status) -> None:
    """A Kubernetes that is too old is a warning."""
    assert found(State(version=version), "reachable").status is status


@pytest.mark.parametrize(
    ("skew", "status", "words"),
    [
        (None, Status.SKIPPED, "does not tell"), (0.0, Status.OK, "agrees"), (-4.0, Status.OK, "agrees"),
        (9.0, Status.WARNING, "9 s ahead"), (-9.0, Status.WARNING, "9 s behind"), (70.0, Status.FAILED, "70 s ahead"),
    ],
)  # fmt: skip
def test_clock(skew: float | None, status: Status, words: str) -> None:
    """A clock that is wrong by seconds is a warning, by a minute a failure."""
    result = found(State(skew=skew), "clock")
    assert result.status is status
    assert words in result.found
    assert bool(result.advice) is (status in (Status.WARNING, Status.FAILED))


def test_namespace() -> None:
    """A namespace is ours, to be made, not to be made, not to be seen, or another's."""
    assert found(ours(State()), "namespace").status is Status.OK
    assert "first deploy makes it" in found(State(), "namespace").found
    assert "may not be made" in found(State(denied={("create", "namespaces")}), "namespace").found
    assert "may not be looked at" in found(State(denied={("get", "namespaces")}), "namespace").found
    other = found(ours(State(), "bank"), "namespace")
    assert other.status is Status.FAILED
    assert "belongs to the application 'bank'" in other.found


@pytest.mark.parametrize("right", RIGHTS, ids=str)
def test_permissions(right: Any) -> None:
    """Each right that lacks is named, with what it is for and the command that prints the role."""
    result = found(State(denied={(right.verb, right.resource)}), "permissions", config_option=" --config a.yml")
    assert result.status is Status.FAILED
    assert result.found == f"may not {right}"
    assert right.why in result.advice
    assert "mcci doctor --rbac --config a.yml" in result.advice


def test_no_rights() -> None:
    """Where nearly all lack, the line stays short."""
    denied = {(each.verb, each.resource) for each in RIGHTS}
    result = found(State(denied=denied), "permissions")
    assert f"and {len(RIGHTS) - 8} more" in result.found


def test_istio() -> None:
    """The CRDs are looked for in their version of today and the one before; where routes are elsewhere, not at all."""
    old = replace(VIRTUAL_SERVICE, version="v1beta1")
    assert found(State(), "istio").status is Status.OK
    assert found(State(unserved={VIRTUAL_SERVICE}), "istio").status is Status.OK
    missing = found(State(unserved={VIRTUAL_SERVICE, old}), "istio")
    assert (missing.status, missing.found) == (Status.FAILED, "does not serve VirtualService")
    assert found(State(unserved={VIRTUAL_SERVICE, old}), "istio", routes=False).status is Status.SKIPPED


def test_istio_version() -> None:
    """Istio's version is its control plane's image, where that is here and may be seen."""
    state = State()
    assert "elsewhere" in found(state, "istio version").found
    containers = [{"name": "discovery", "image": "docker.io/istio/pilot:1.27.1"}]
    pilot = {"metadata": {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod"}}}
    FakeApi("", state).put(DEPLOYMENT, {**pilot, "spec": {"template": {"spec": {"containers": containers}}}})
    assert found(state, "istio version").found == "1.27.1"
    state.denied.add(("list", "deployments"))
    assert found(state, "istio version").status is Status.SKIPPED


class Metrics(Prometheus):
    """A Prometheus with one answer."""

    answer: float | Exception | None = None

    def number(self, query: str, *, at: float) -> float | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "status"),
    [(7.0, Status.OK), (None, Status.WARNING), (MetricsFailed("it does not answer"), Status.FAILED)],
)
def test_prometheus(answer: float | Exception | None, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus has Istio's metrics, has none yet, or does not answer."""
    monkeypatch.setattr(Metrics, "answer", answer)
    assert found(State(), "prometheus", prometheus=Metrics(url="https://prometheus.example")).status is status


def test_a_check_that_fails() -> None:
    """A check that cannot be made is a failure of its own, and the others are made all the same."""
    checked = subject(ours(State()))
    checked.api.script.faults.append(  # type: ignore[attr-defined]
        Fault(error=Unreachable("away"), kind=DEPLOYMENT.kind, verb="list")
    )
    results = {each.check: each for each in cluster.examine(checked)}
    assert (results["istio version"].status, results["istio version"].found) == (Status.FAILED, "away")
    assert results["prometheus"].status is Status.SKIPPED


def test_kind() -> None:
    """The kinds of the table are of the versions that a supported Kubernetes serves."""
    kinds: set[Kind] = {each.kind for each in RIGHTS}
    assert {kind.version for kind in kinds} == {"v1"}
