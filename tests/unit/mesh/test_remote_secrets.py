"""The remote secret, field by field as `istioctl create-remote-secret` makes it; and when its token is due."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from mcci.errors import UsageError
from mcci.mesh import links, remote_secrets
from mcci.mesh.remote_secrets import Remote
from tests.unit.mesh.meshes import found, planned

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
REMOTE = Remote(
    cluster="azure", server="https://10.2.0.4:6443", authority="LS0t", token="eyJ.secret.x",
    issued=NOW, expires=NOW + timedelta(days=30), anchor="mcci-mesh-aws-0a1b2c3d",
)  # fmt: skip


def test_as_istioctl_makes_it() -> None:
    """Name, namespace, label, annotation, key and kubeconfig are those of istioctl's documented output."""
    body = remote_secrets.secret(REMOTE, "istio-system", {"app.kubernetes.io/managed-by": "mcci"})
    metadata = body["metadata"]
    assert metadata["name"] == "istio-remote-secret-azure"
    assert metadata["namespace"] == "istio-system"
    assert metadata["labels"]["istio/multiCluster"] == "true"
    assert metadata["annotations"]["networking.istio.io/cluster"] == "azure"
    assert list(body["data"]) == ["azure"]
    assert yaml.safe_load(base64.b64decode(body["data"]["azure"])) == {
        "apiVersion": "v1",
        "clusters": [
            {"cluster": {"certificate-authority-data": "LS0t", "server": "https://10.2.0.4:6443"}, "name": "azure"}
        ],
        "contexts": [{"context": {"cluster": "azure", "user": "azure"}, "name": "azure"}],
        "current-context": "azure",
        "kind": "Config",
        "preferences": {},
        "users": [{"name": "azure", "user": {"token": "eyJ.secret.x"}}],
    }
    assert remote_secrets.read(body) == REMOTE


def test_the_token_is_never_shown() -> None:
    """What is printed of a remote secret has no token in it."""
    assert "secret" not in repr(REMOTE)


def test_istioctls_own_is_read() -> None:
    """A secret that istioctl made tells its end by its token's claims; one without them has no known end."""
    claims = (
        base64.urlsafe_b64encode(json.dumps({"iat": 1_700_000_000, "exp": 1_700_086_400}).encode()).decode().rstrip("=")
    )
    body = remote_secrets.secret(
        replace(REMOTE, token=f"e30.{claims}.sig", issued=None, expires=None), "istio-system", {}
    )
    read = remote_secrets.read(body)
    assert read.expires == datetime.fromtimestamp(1_700_086_400, UTC)
    forever = remote_secrets.secret(replace(REMOTE, token="opaque", issued=None, expires=None), "istio-system", {})
    assert remote_secrets.read(forever).expires is None


@pytest.mark.parametrize("data", [{}, {"azure": "bm8="}, {"azure": base64.b64encode(b"a: [").decode()}, {"other": "x"}])
def test_unreadable(data: dict[str, str]) -> None:
    """A secret that holds no kubeconfig with a token is refused, and nothing of it is shown."""
    body = {"metadata": {"name": "istio-remote-secret-azure"}, "data": data}
    with pytest.raises(UsageError, match="does not hold a kubeconfig"):
        remote_secrets.read(body)


@pytest.mark.parametrize(("left", "due"), [(29, False), (11, False), (9, True), (-1, True)])
def test_due_in_the_last_third(left: int, due: bool) -> None:
    """A token of 30 days is renewed when 10 days are left."""
    now = NOW + timedelta(days=30 - left)
    assert REMOTE.is_due(now, links.LEAST) is due


def test_a_short_token_is_not_always_due() -> None:
    """Where the cluster grants an hour alone, the token is good for two thirds of it."""
    short = replace(REMOTE, expires=NOW + timedelta(hours=1))
    assert not short.is_due(NOW + timedelta(minutes=30), links.LEAST)
    assert short.is_due(NOW + timedelta(minutes=45), links.LEAST)


def _reason(remote: Remote | None, *, rotate: bool = False, server: str = REMOTE.server) -> str:
    secrets = (remote_secrets.secret(remote, "istio-system", {}),) if remote else ()
    now = datetime.now(UTC)
    return links.link("aws", "azure", found(secrets=secrets), (server, "LS0t"), now, rotate=rotate).reason


def test_why_a_secret_is_made_anew() -> None:
    """A secret stays unless it is missing, moved, near its end, without an end, or asked to be replaced."""
    now = datetime.now(UTC)
    fresh = replace(REMOTE, issued=now, expires=now + timedelta(days=30))
    assert _reason(fresh) == ""
    assert _reason(None) == "new"
    assert _reason(fresh, rotate=True) == "asked for"
    assert "address" in _reason(fresh, server="https://10.9.0.4:6443")
    assert "no end" in _reason(replace(fresh, expires=None, issued=None))
    assert "soon" in _reason(replace(fresh, issued=now - timedelta(days=25), expires=now + timedelta(days=5)))
    assert "has ended" in _reason(replace(fresh, issued=now - timedelta(days=31), expires=now - timedelta(days=1)))


def test_a_cluster_that_left() -> None:
    """mcci's secret of a cluster that is no longer in the mesh goes; one that somebody else made stays."""
    gone = replace(REMOTE, cluster="gcp")
    mine = remote_secrets.secret(gone, "istio-system", {"app.kubernetes.io/managed-by": "mcci"})
    theirs = remote_secrets.secret(replace(REMOTE, cluster="lab"), "istio-system", {})
    wanted = remote_secrets.secret(REMOTE, "istio-system", {"app.kubernetes.io/managed-by": "mcci"})
    seen = {"aws": found(secrets=(mine, theirs, wanted)), "azure": found()}
    assert links.gone(planned(), seen) == {"aws": ("istio-remote-secret-gcp",)}


def test_an_address_of_this_machine() -> None:
    """An API server at a loopback address is told of: other clusters would look for it on themselves."""
    assert "azure" in links.notes({"azure": ("https://127.0.0.1:6443", "")})[0]
    assert links.notes({"azure": ("https://10.2.0.4:6443", "")}) == ()
