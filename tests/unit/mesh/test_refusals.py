"""What is refused before anything is changed: versions, ranges, other meshes, rights."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from mcci.clusters.ranges import Ranges, Reported
from mcci.errors import UsageError
from mcci.mesh import refusals, rights, versions
from mcci.mesh.refusals import Lacking
from mcci.mesh.versions import Numbers
from tests.unit.clusters.fake_api import FakeApi, State
from tests.unit.mesh.meshes import found, planned


@pytest.mark.parametrize(("text", "expected"), [
    ("1.28.1", Numbers(1, 28, 1)), ("v1.34.5+k3s1", Numbers(1, 34, 5)), ("1.29.0-alpha.1", Numbers(1, 29, 0)),
    ("latest", None), ("", None),
])  # fmt: skip
def test_parse(text: str, expected: Numbers | None) -> None:
    """A version is its numbers, whatever follows; other texts are none."""
    assert versions.parse(text) == expected


@pytest.mark.parametrize(("image", "expected"), [
    ("docker.io/istio/pilot:1.28.1-distroless", Numbers(1, 28, 1)), ("localhost:5000/istio/pilot", None),
    ("istio/pilot:1.27.0@sha256:aa", Numbers(1, 27, 0)), ("istio/pilot@sha256:1.2", None),
])  # fmt: skip
def test_version_of_an_image(image: str, expected: Numbers | None) -> None:
    """An image's tag tells its version; a registry's port is no tag."""
    assert versions.of_image(image) == expected


def test_versions_that_go_together() -> None:
    """One minor version up or down is taken, with a Kubernetes that it was tested with."""
    assert versions.refusals(Numbers(1, 28, 1), {"aws": "v1.34.5"}, {"aws": Numbers(1, 27, 3)}) == ()
    assert versions.refusals(Numbers(1, 27, 3), {"aws": "v1.32.0"}, {"aws": Numbers(1, 28, 1)}) == ()


@pytest.mark.parametrize(("wanted", "kubernetes", "installed", "words"), [
    (Numbers(1, 23, 4), "v1.29.0", Numbers(1, 23, 0), "too old"),
    (Numbers(1, 28, 1), "v1.24.9", Numbers(1, 28, 0), "needs 1.25"),
    (Numbers(1, 28, 1), "v1.32.0", Numbers(1, 26, 2), "more than one minor version up"),
    (Numbers(1, 26, 1), "v1.32.0", Numbers(1, 28, 2), "more than one minor version down"),
])  # fmt: skip
def test_versions_that_do_not(wanted: Numbers, kubernetes: str, installed: Numbers, words: str) -> None:
    """Too old an Istio, too old a Kubernetes, and a jump over a minor version are refused."""
    (said,) = versions.refusals(wanted, {"aws": kubernetes}, {"aws": installed})
    assert words in said


def test_skew_of_control_planes() -> None:
    """Control planes of one mesh may be one minor version apart, not two."""
    assert versions.skew({"aws": Numbers(1, 28), "azure": Numbers(1, 27)}) == ""
    assert "more than one minor" in versions.skew({"aws": Numbers(1, 28), "azure": Numbers(1, 26)})


def test_proxies() -> None:
    """A proxy may be one minor version behind its control plane, and never ahead."""
    assert versions.proxy_problem(Numbers(1, 27), Numbers(1, 28)) == ""
    assert "newer" in versions.proxy_problem(Numbers(1, 29), Numbers(1, 28))
    assert "behind" in versions.proxy_problem(Numbers(1, 26), Numbers(1, 28))


def test_not_tested_is_told() -> None:
    """A Kubernetes beside what Istio supports is told of, older or newer, and refuses nothing."""
    (note,) = versions.notes(Numbers(1, 28, 0), {"aws": "v1.35.0", "azure": "v1.30.0", "gcp": "v1.29.1"})
    assert "aws has 1.35, gcp has 1.29" in note
    assert "azure" not in note
    assert "does not know" in versions.notes(Numbers(1, 99, 0), {})[0]
    assert versions.notes(Numbers(1, 28, 0), {"aws": "v1.34.0"}) == ()


def _ranges(**pods: str) -> dict[str, Ranges]:
    reported = {name: Reported(pods=tuple(map(ip_network, text.split()))) for name, text in pods.items()}
    return {name: Ranges(name=name, reported=each) for name, each in reported.items()}


def test_ranges() -> None:
    """Clusters of one network may not share a range; on networks of their own they may."""
    same = _ranges(aws="10.42.0.0/23", azure="10.42.1.0/24")
    (said,) = refusals.of_ranges(same, planned())
    assert "the pods of aws (10.42.0.0/23) overlap the pods of azure" in said
    assert refusals.of_ranges(same, planned({"topology": "multi-primary"})) == ()
    assert refusals.of_ranges(_ranges(aws="10.42.0.0/16", azure="10.43.0.0/16 fd00::/64"), planned()) == ()


def test_another_mesh() -> None:
    """A cluster of another mesh is left alone, and so is one whose own control plane would be orphaned."""
    seen = {"aws": found(mesh="bank-production", istio="1.28.0"), "azure": found(istio="1.28.0")}
    other, own = refusals.of_identity(seen, planned())
    assert "bank-production" in other
    assert "azure has a control plane" in own
    assert refusals.of_identity({"aws": found(mesh="shop-production", istio="1.28.0")}, planned()) == ()


def test_a_control_plane_of_another_tool() -> None:
    """An istiod that Helm did not install is told of before anything is changed: Helm would refuse it half way."""
    seen = {"aws": found(istio="1.28.0", releases=()), "azure": found()}
    (said,) = refusals.of_ownership(seen, planned())
    assert "aws has an istiod that Helm did not install" in said
    assert refusals.of_ownership({"aws": found(istio="1.28.0")}, planned()) == ()


def test_every_reason_is_told() -> None:
    """All reasons come at once, each once, with the word that nothing was changed."""
    with pytest.raises(UsageError, match="nothing was changed") as raised:
        refusals.refuse(["one", "two", "one"], "the mesh cannot be installed")
    assert str(raised.value).count("- ") == 2
    refusals.refuse([], "the mesh cannot be installed")


def test_rights() -> None:
    """What the credentials lack is named as a role names it."""
    state = State(denied={("create", "clusterroles"), ("create", "serviceaccounts/token")})
    lacking = rights.missing(FakeApi("aws", state), rights.INSTALL + rights.WATCHED, "istio-system")
    assert lacking == ("create clusterroles.rbac.authorization.k8s.io", "create serviceaccounts/token")
    (said,) = refusals.of_rights([Lacking(cluster="aws", rights=lacking), Lacking(cluster="azure", rights=())])
    assert said.startswith("aws: ")
