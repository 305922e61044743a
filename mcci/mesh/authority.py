"""The mesh's root of trust, and the certificate by which a cluster's control plane signs its services' identities.

Two clusters trust each other because both chains end in one root. `cacerts` is the Secret that istiod reads.

Source: https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.kubernetes.api import Object

SECRET = "cacerts"  # noqa: S105 - a Secret's name
CERTIFICATE, KEY, ROOT, CHAIN = "ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"
BITS = 3072  # of an RSA key: 128 bits of security
EARLY = timedelta(minutes=10)  # a certificate is valid a little before it is made: clocks differ
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The mesh's root: its certificate, and its key where there is one to sign with."""

    certificate: x509.Certificate
    key: Key | None = field(default=None, repr=False)

    @property
    def pem(self) -> str:
        """The certificate."""
        return pem(self.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What a cluster's `cacerts` holds: its certificate, its key, the way to the root, the root."""

    certificate: x509.Certificate
    root: x509.Certificate
    chain: str
    key: str = field(repr=False)

    @property
    def ends(self) -> datetime:
        """When the first of the two certificates ends."""
        return min(self.certificate.not_valid_after_utc, self.root.not_valid_after_utc)

    def is_due(self, now: datetime) -> bool:
        """Whether it is in the last third of its life."""
        begins = self.certificate.not_valid_before_utc
        return now > begins + (self.ends - begins) * 2 / 3


def new_key() -> rsa.RSAPrivateKey:
    """Return a new key. RSA: what every Istio reads."""
    return rsa.generate_private_key(public_exponent=65537, key_size=BITS)


def new_root(key: Key, mesh: str, seconds: int, now: datetime) -> Root:
    """Return a root that signs itself."""
    name = _name(mesh, "Root CA")
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + timedelta(seconds=seconds))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Root(certificate=builder.sign(key, hashes.SHA256()), key=key)


def issue(root: Root, mesh: str, cluster: str, namespace: str, seconds: int, now: datetime) -> Issued:
    """Return a new certificate for a cluster's control plane, which ends no later than the root.

    Raises `UsageError` without the root's key, and for a root that has ended.
    """
    if root.key is None:
        raise UsageError(f"a certificate must be signed for {cluster}, and the root's key is not here.")
    check_root(root, now)
    key = new_key()
    until = min(now + timedelta(seconds=seconds), root.certificate.not_valid_after_utc)
    public = root.certificate.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(mesh, "Intermediate CA", cluster))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - EARLY, root.certificate.not_valid_before_utc))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"istiod.{namespace}.svc")]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)  # type: ignore[arg-type]
    )
    certificate = builder.sign(root.key, hashes.SHA256())
    return Issued(
        certificate=certificate, root=root.certificate, chain=pem(certificate) + root.pem, key=private_pem(key)
    )


def check_root(root: Root, now: datetime) -> None:
    """Raise `UsageError` for a root that has ended, is not yet valid, or is no authority."""
    certificate = root.certificate
    if now >= certificate.not_valid_after_utc:
        raise UsageError(
            f"the mesh's root certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}: nothing it signs would "
            "be trusted. Every cluster needs a certificate of a new root; plan that as an outage of the mesh."
        )
    if now < certificate.not_valid_before_utc:
        raise UsageError(f"the mesh's root certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} only.")
    try:
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        authority = None
    if authority is None or not authority.ca or authority.path_length == 0:
        raise UsageError("the mesh's root certificate may not sign other authorities (basicConstraints).")
    if root.key is not None and public_pem(root.key.public_key()) != public_pem(certificate.public_key()):
        raise UsageError("the root's key and its certificate do not belong together.")


def problems(issued: Issued, now: datetime) -> tuple[str, ...]:
    """Return what is wrong with what a cluster has; nothing for a chain that holds."""
    found = []
    if now >= issued.ends:
        found.append(f"its certificate ended on {issued.ends:%Y-%m-%d}")
    try:
        issued.certificate.verify_directly_issued_by(issued.root)
    except (InvalidSignature, ValueError, TypeError):
        found.append("its certificate was not signed by its root")
    try:
        key = serialization.load_pem_private_key(issued.key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found.append("its key cannot be read")
    else:
        if public_pem(key.public_key()) != public_pem(issued.certificate.public_key()):
            found.append("its key does not belong to its certificate")
    return tuple(found)


def secret(issued: Issued, namespace: str, labels: Mapping[str, str]) -> Object:
    """Return the Secret `cacerts`."""
    texts = {CERTIFICATE: pem(issued.certificate), KEY: issued.key, ROOT: pem(issued.root), CHAIN: issued.chain}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    return {
        "metadata": {"name": SECRET, "namespace": namespace, "labels": dict(labels)}, "type": "Opaque", "data": data
    }  # fmt: skip


def read(found: Object, cluster: str) -> Issued:
    """Return what a Secret `cacerts` holds. Raises `UsageError` where it cannot be read."""
    data = found.get("data") or {}
    try:
        texts = {name: base64.b64decode(data[name]).decode() for name in (CERTIFICATE, KEY, ROOT, CHAIN)}
        certificate = x509.load_pem_x509_certificate(texts[CERTIFICATE].encode())
        root = x509.load_pem_x509_certificate(texts[ROOT].encode())
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"{cluster}: the Secret {SECRET} does not hold what istiod reads ({CERTIFICATE}, {KEY}, {ROOT}, {CHAIN})."
        ) from error
    return Issued(certificate=certificate, root=root, chain=texts[CHAIN], key=texts[KEY])


def read_root(certificate: str, key: str, source: str) -> Root:
    """Return the root from PEM texts; `key` may be empty. Raises `UsageError`; no message shows what they hold."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError as error:
        raise UsageError(f"{source}: the root's certificate is no PEM certificate.") from error
    return Root(certificate=found, key=read_key(key, source) if key.strip() else None)


def read_key(text: str, source: str) -> Key:
    """Return a private key from PEM. Raises `UsageError`."""
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{source}: the root's key is no PEM key without a passphrase.") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise UsageError(f"{source}: the root's key is neither RSA nor an elliptic curve's.")
    return key


def pem(certificate: x509.Certificate) -> str:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def private_pem(key: Key) -> str:
    """Return a private key as PEM, in the form that every Istio reads."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key: object) -> bytes:
    """Return a public key in a form to compare."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined,no-any-return]


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


def _name(mesh: str, common: str, cluster: str = "") -> x509.Name:
    """A common name has at most 64 characters; the mesh's name stands in the organization."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, mesh[:64]), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    return x509.Name([*parts, *([x509.NameAttribute(NameOID.LOCALITY_NAME, cluster[:128])] if cluster else [])])


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
