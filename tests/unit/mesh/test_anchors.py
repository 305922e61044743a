"""What a token is bound to: each control plane has its own, and the old ones go."""

from __future__ import annotations

from mcci.clients.kubernetes.api import SECRET
from mcci.mesh import anchors
from tests.unit.clusters.fake_api import FakeApi


def test_old_tokens_end() -> None:
    """Of one control plane all anchors but the current go; those of another stay, until it leaves the mesh."""
    api = FakeApi("azure")
    old, new, other = (
        anchors.make(api, "istio-system", watcher)["metadata"]["name"] for watcher in ("aws", "aws", "gcp")
    )
    assert old != new
    assert anchors.keep_only(api, "istio-system", "aws", new) == (old,)
    assert anchors.keep_only(api, "istio-system", "aws", new) == ()
    assert anchors.end_others(api, "istio-system", {"aws", "gcp"}) == ()
    assert anchors.end_others(api, "istio-system", {"aws"}) == (other,)
    assert [each["metadata"]["name"] for each in api.list(SECRET, "istio-system")] == [new]


def test_an_anchor_is_empty() -> None:
    """An anchor holds nothing: whoever reads it learns nothing."""
    assert "data" not in anchors.make(FakeApi("azure"), "istio-system", "aws")
