"""The mesh's root of trust, and the certificates of its control planes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from mcci.clients.mesh_root import Kept
from mcci.errors import UsageError
from mcci.mesh import authority, certificates
from tests.unit.mesh.meshes import found, planned

if TYPE_CHECKING:
    from mcci.mesh.authority import Issued, Root

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
DAY = 86400


@cache
def key() -> rsa.RSAPrivateKey:
    """One key for all tests: making it takes its time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def other_key() -> rsa.RSAPrivateKey:
    """Another."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def root(days: int = 3650, begun: datetime = NOW) -> Root:
    """Return a root."""
    return authority.new_root(key(), "shop", days * DAY, begun)


@pytest.fixture(autouse=True)
def few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates get the same key in these tests."""
    monkeypatch.setattr(authority, "new_key", other_key)


def issued(of: Root | None = None, days: int = 730, now: datetime = NOW) -> Issued:
    """Return a cluster's certificate."""
    return authority.issue(of or root(), "shop", "aws", "istio-system", days * DAY, now)


def kept(of: Root, *, with_key: bool = True) -> Kept:
    """Return a root as a folder holds it."""
    return Kept(certificate=of.pem, key=authority.private_pem(key()) if with_key else "", source="root")


def test_one_root_vouches_for_each_cluster() -> None:
    """A cluster's certificate was signed by the root, may sign services' certificates and no other authority's."""
    made = issued()
    made.certificate.verify_directly_issued_by(made.root)
    basic = made.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert made.chain == authority.pem(made.certificate) + authority.pem(made.root)
    assert authority.problems(made, NOW) == ()


def test_a_service_is_verified_through_it() -> None:
    """What a control plane signs is taken by whoever has the root, and by nobody who has another."""
    made = issued()
    leaf = _leaf(made)
    policy = PolicyBuilder().store(Store([made.root])).time(NOW + timedelta(minutes=1)).build_client_verifier()
    policy.verify(leaf, [made.certificate])
    stranger = authority.new_root(other_key(), "else", 100 * DAY, NOW)
    wrong = (
        PolicyBuilder().store(Store([stranger.certificate])).time(NOW + timedelta(minutes=1)).build_client_verifier()
    )
    with pytest.raises(VerificationError):
        wrong.verify(leaf, [made.certificate])


def test_it_ends_with_the_root() -> None:
    """No certificate is valid for longer than the root that signed it."""
    short = root(days=100)
    assert issued(short, days=730).certificate.not_valid_after_utc == short.certificate.not_valid_after_utc


def test_due_in_the_last_third() -> None:
    """A certificate is renewed in the last third of its life, and not before."""
    made = issued(days=90)
    assert not made.is_due(NOW + timedelta(days=59))
    assert made.is_due(NOW + timedelta(days=61))


def test_read_back() -> None:
    """What the Secret `cacerts` holds is what was issued, under the four names that istiod reads."""
    made = issued()
    body = authority.secret(made, "istio-system", {})
    assert set(body["data"]) == {"ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"}
    assert authority.read(body, "aws") == made
    del body["data"]["ca-key.pem"]
    with pytest.raises(UsageError, match="does not hold what istiod reads"):
        authority.read(body, "aws")


def test_problems() -> None:
    """A certificate that has ended, of another root, or with another key is told of."""
    made = issued(days=10)
    assert "ended" in authority.problems(made, NOW + timedelta(days=11))[0]
    stranger = authority.new_root(other_key(), "else", 100 * DAY, NOW)
    assert "not signed by its root" in authority.problems(replace(made, root=stranger.certificate), NOW)[0]
    assert "does not belong" in authority.problems(replace(made, key=authority.private_pem(key())), NOW)[0]


def test_nothing_shows_a_key() -> None:
    """Neither a root's key nor a cluster's is in what is printed of them."""
    assert "PRIVATE" not in repr(root()) + repr(issued()) + repr(kept(root()))


@pytest.mark.parametrize(("days", "begun", "words"), [
    (30, NOW - timedelta(days=31), "ended on"), (30, NOW + timedelta(days=1), "valid from"),
])  # fmt: skip
def test_a_root_out_of_its_time(days: int, begun: datetime, words: str) -> None:
    """An ended root signs nothing, and neither does one that is not yet valid."""
    with pytest.raises(UsageError, match=words):
        authority.issue(root(days, begun), "shop", "aws", "istio-system", DAY, NOW)


def test_no_authority() -> None:
    """A certificate that may not sign authorities is no root."""
    made = issued()
    with pytest.raises(UsageError, match="may not sign"):
        authority.check_root(authority.Root(certificate=made.certificate), NOW)


def test_decide() -> None:
    """New clusters and those in the last third get a certificate; the others keep theirs, and need no root's key."""
    plan = planned({"topology": "multi-primary"})
    have = authority.secret(issued(), "istio-system", {})
    both = {"aws": found(cacerts=have), "azure": found()}
    assert certificates.decide(plan, both, kept(root_of(have)), (), NOW).due == ("azure",)
    settled = {"aws": found(cacerts=have), "azure": found(cacerts=have)}
    assert certificates.decide(plan, settled, None, (), NOW).due == ()
    assert certificates.decide(plan, settled, kept(root_of(have)), ("aws",), NOW).due == ("aws",)
    late = NOW + timedelta(days=500)
    assert certificates.decide(plan, settled, kept(root_of(have)), (), late).due == ("aws", "azure")


def test_refusals() -> None:
    """A root that is missing, not the others', without its key, or ended is refused before anything is made."""
    plan = planned({"topology": "multi-primary"})
    have = authority.secret(issued(), "istio-system", {})
    half = {"aws": found(cacerts=have), "azure": found()}
    with pytest.raises(UsageError, match="azure must get a certificate"):
        certificates.decide(plan, half, None, (), NOW)
    with pytest.raises(UsageError, match="would cut them off"):
        certificates.decide(plan, half, Kept(certificate="", key="", source="folder"), (), NOW)
    with pytest.raises(UsageError, match="not of one root"):
        certificates.decide(plan, half, kept(root(days=20)), (), NOW)
    with pytest.raises(UsageError, match="without its key"):
        certificates.decide(plan, half, kept(root_of(have), with_key=False), (), NOW)
    empty = {"aws": found(), "azure": found()}
    with pytest.raises(UsageError, match="ended on"):
        certificates.decide(plan, empty, kept(root(days=30)), (), NOW + timedelta(days=31))
    assert certificates.decide(plan, empty, Kept(certificate="", key="", source="folder"), (), NOW).new_root


def test_a_control_plane_with_a_root_of_its_own() -> None:
    """A running mesh is not brought under another root unasked: its services would mistrust each other."""
    plan = planned()
    seen = {"aws": found(istio="1.28.1"), "azure": found()}
    empty = Kept(certificate="", key="", source="folder")
    with pytest.raises(UsageError, match="signs with a root that it made itself"):
        certificates.decide(plan, seen, empty, (), NOW)
    assert certificates.decide(plan, seen, empty, ("aws",), NOW).due == ("aws",)


def root_of(secret: dict[str, object]) -> Root:
    """Return the root that a Secret `cacerts` names, with its key."""
    return authority.Root(certificate=authority.read(secret, "aws").root, key=key())


def _leaf(of: Issued) -> x509.Certificate:
    """Return a service's certificate, signed by a cluster's control plane."""
    from cryptography.hazmat.primitives import hashes

    name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://cluster.local/ns/shop/sa/cart")])
    usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(of.certificate.subject)
        .public_key(key().public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(name, critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(other_key().public_key()), critical=False)
    )
    return builder.sign(other_key(), hashes.SHA256())
