"""Rancher is asked what its documents say, and what is wrong with it is said in Rancher's terms, without the key."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mcci.clients import rancher
from mcci.clients.kubernetes.api import SECRET, NotAllowed, Refused, Unreachable
from mcci.clients.rancher import Rancher, Registration
from mcci.errors import ExitCode, McciError, UsageError
from tests.unit.clusters.wire import QUICK, Wire, ok, status

KEY = "token-abc:secret-key"
URL = "https://rancher.example"
SERVED = ok({"resources": [{"name": "clusters"}]})


def client(wire: Wire) -> Rancher:
    """Return Rancher at the other end of the wire."""
    return rancher.connect(f"{URL}/", KEY, namespace="fleet-default", deadline=2.0, policy=QUICK, wire=wire)


def allowed(answer: bool) -> httpx.Response:
    """Return the answer to a question about a right."""
    return ok({"status": {"allowed": answer}}, 201)


def token(status_: dict[str, Any]) -> httpx.Response:
    """Return a ClusterRegistrationToken."""
    return ok({"metadata": {"name": "default-token"}, "status": status_})


def test_calls() -> None:
    """Its clusters are at the Kubernetes API at its root; kubeconfigs and manifests at its own."""
    wire = Wire(
        SERVED, allowed(True), ok({"metadata": {"name": "one"}}),
        token({"manifestUrl": f"{URL}/v3/import/abc_c-m-1.yaml", "nodeCommand": "sh --token abc"}),
        httpx.Response(200, text="kind: x"), ok({"config": "kind: Config"}),
    )  # fmt: skip
    found = client(wire)
    found.check()
    found.require("update", "one")
    assert found.cluster("one") == {"metadata": {"name": "one"}}
    registration = found.registration("c-m-1")
    assert registration is not None
    assert found.manifest(registration) == "kind: x"
    assert found.kubeconfig("c-m-1") == "kind: Config"
    assert wire.asked == [
        "GET /apis/provisioning.cattle.io/v1",
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "GET /apis/provisioning.cattle.io/v1/namespaces/fleet-default/clusters/one",
        "GET /apis/management.cattle.io/v3/namespaces/c-m-1/clusterregistrationtokens/default-token",
        "GET /v3/import/abc_c-m-1.yaml",
        "POST /v3/clusters/c-m-1",
    ]
    assert {each.headers["authorization"] for each in wire.requests} == {f"Bearer {KEY}"}
    assert {each.url.host for each in wire.requests} == {"rancher.example"}
    assert wire.requests[-1].url.query == b"action=generateKubeconfig"
    assert "abc" not in repr(registration)


def test_a_token_in_a_secret() -> None:
    """A newer Rancher has the token in a Secret, and `{token}` in its place."""
    secret = ok({"data": {"token": base64.b64encode(b"abc").decode()}})
    wire = Wire(
        token({
            "manifestUrl": f"{URL}/v3/import/{{token}}_c-m-1.yaml", "nodeCommand": "sh --token {token}",
            "tokenSecretName": "crt-token-default-token",
        }),
        secret,
    )  # fmt: skip
    assert client(wire).registration("c-m-1") == Registration(
        manifest="/v3/import/abc_c-m-1.yaml", node_command="sh --token abc"
    )
    assert wire.asked[1] == "GET /api/v1/namespaces/c-m-1/secrets/crt-token-default-token"


@pytest.mark.parametrize("found", [status(404), token({}), token({"token": "abc"})])
def test_not_yet(found: httpx.Response) -> None:
    """Until Rancher has made the way to register, there is none."""
    assert client(Wire(found)).registration("c-m-1") is None


def test_another_host() -> None:
    """The manifest is asked of the Rancher in mcci.yml, whatever host its own address names."""
    wire = Wire(token({"manifestUrl": "https://evil.example/v3/import/a_b.yaml"}), httpx.Response(200, text="x"))
    found = client(wire)
    registration = found.registration("c-m-1")
    assert registration is not None
    found.manifest(registration)
    assert str(wire.requests[1].url) == f"{URL}/v3/import/a_b.yaml"
    with pytest.raises(Refused, match="none of Rancher's"):
        client(Wire(token({"manifestUrl": f"{URL}/k8s/clusters/local/api"}))).registration("c-m-1")


@pytest.mark.parametrize("data", [None, {}, {"token": ""}, {"token": "%%%"}])
def test_no_token_in_the_secret(data: Any) -> None:
    """A Secret without a token is said to be one."""
    wire = Wire(token({"manifestUrl": "{token}", "tokenSecretName": "s"}), ok({"data": data}))
    with pytest.raises(Refused, match="the Secret 's' in c-m-1"):
        client(wire).registration("c-m-1")


def test_rights() -> None:
    """Rights that lack are named, before anything is done."""
    wire = Wire(allowed(True), allowed(False))
    found = client(wire)
    found.require("create", "one")
    with pytest.raises(NotAllowed, match="may not update the cluster one in fleet-default") as caught:
        found.require("update", "one")
    assert caught.value.exit_code == ExitCode.USAGE
    asked = [json.loads(each.content)["spec"]["resourceAttributes"] for each in wire.requests]
    assert [(each["verb"], each.get("name", "")) for each in asked] == [("create", ""), ("update", "one")]


@pytest.mark.parametrize(
    ("setting", "addresses"),
    [
        (ok({"value": "https://public.example/"}), (URL, "https://public.example")),
        (ok({"value": "", "default": URL}), (URL,)),
        (ok({"value": URL}), (URL,)),
        (status(404), (URL,)),
        (status(403), (URL,)),
    ],
)
def test_addresses(setting: httpx.Response, addresses: tuple[str, ...]) -> None:
    """It is known by the address in mcci.yml and by its own; it is asked for that once."""
    wire = Wire(setting)
    found = client(wire)
    assert found.addresses() == found.addresses() == addresses
    assert wire.asked == ["GET /apis/management.cattle.io/v3/settings/server-url"]


def test_hidden() -> None:
    """What Rancher does not show counts as not there; what is only referred to counts as there."""
    hidden = status(403, "is forbidden")
    assert client(Wire(hidden)).cluster("one") is None
    assert client(Wire(hidden)).registration("c-m-1") is None
    assert client(Wire(hidden)).has(SECRET, "cc-x", "cattle-global-data") is True


UNTRUSTED = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
ASK: tuple[Callable[[Rancher], object], ...] = (
    lambda found: found.check(),
    lambda found: found.cluster("one"),
    lambda found: found.registration("c-m-1"),
    lambda found: found.has(SECRET, "cc-x", "cattle-global-data"),
    lambda found: found.kubeconfig("c-m-1"),
    lambda found: found.manifest(Registration(manifest="/v3/import/a_b.yaml", node_command="")),
)


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (status(401, "must authenticate"), NotAllowed, "refuses the API key.*without a scope"),
        (UNTRUSTED, UsageError, "Rancher's certificate is not trusted.*'rancher: {ca: …}'"),
        (httpx.Response(302, headers={"location": "https://evil.example"}), Unreachable, "answers 302"),
    ],
)
def test_refused(ask: Callable[[Rancher], object], answer: Any, kind: type[McciError], says: str) -> None:
    """A key that is refused, a certificate of nobody, a redirect: each is said; the key goes to nobody else."""
    wire = Wire(answer)
    with pytest.raises(kind, match=says) as caught:
        ask(client(wire))
    assert len(wire.requests) == 1
    assert KEY not in str(caught.value)
    assert "doctor" not in str(caught.value)


@pytest.mark.parametrize("ask", ASK[-2:])
def test_forbidden(ask: Callable[[Rancher], object]) -> None:
    """What the key may not have Rancher do is refused in Rancher's own words."""
    with pytest.raises(NotAllowed, match="refuses the API key: clusters is forbidden"):
        ask(client(Wire(status(403, "clusters is forbidden"))))


def test_tries_again() -> None:
    """A Rancher that is away for a moment is asked again."""
    wire = Wire(status(503), httpx.ReadError("reset"), status(429, **{"Retry-After": "0"}), ok({"config": "x"}))
    assert client(wire).kubeconfig("c-m-1") == "x"


def test_away() -> None:
    """A Rancher that stays away is said to be, at its address."""
    wire = Wire(*[status(502, "bad gateway")] * 100_000)
    found = rancher.connect(URL, KEY, namespace="n", deadline=0.05, policy=QUICK, wire=wire)
    with pytest.raises(Unreachable, match=r"Rancher at https://rancher.example failed .* it answers 502: bad gateway"):
        found.cluster("one")


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), ok({"config": 7}), ok({}), ok([])])  # type: ignore[arg-type]
def test_rubbish(answer: httpx.Response) -> None:
    """Something else than a kubeconfig is no kubeconfig."""
    with pytest.raises(Unreachable, match="answers something else"):
        client(Wire(answer)).kubeconfig("c-m-1")


def test_not_rancher() -> None:
    """A server that is no Rancher, or an old one, is told from one that is away."""
    with pytest.raises(Refused, match=r"no Rancher of version 2.8 or later"):
        client(Wire(status(404))).check()
    with pytest.raises(Unreachable, match=r"https://rancher.example is no Rancher"):
        client(Wire(httpx.Response(200, text="<html>"))).check()
    with pytest.raises(Refused, match="no text"):
        client(Wire(httpx.Response(200, content=b"\xff\xfe"))).manifest(Registration(manifest="/x", node_command=""))
    with pytest.raises(Refused, match="larger than 4 MiB"):
        client(Wire(httpx.Response(200, content=b"x" * 5_000_000))).manifest(
            Registration(manifest="/x", node_command="")
        )


def test_a_certificate_that_is_none() -> None:
    """An authority's file that holds no certificate is an error before anything is sent."""
    found = rancher.connect(
        URL, KEY, namespace="n", authority="-----BEGIN CERTIFICATE-----\nx", policy=QUICK, deadline=1
    )
    with pytest.raises(UsageError, match="a certificate or key in it cannot be used") as caught:
        found.check()
    assert isinstance(caught.value.__cause__, ssl.SSLError | ValueError)
