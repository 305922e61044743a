"""Keys: signatures made and verified by `cryptography`, in the forms that cosign reads and writes.

Private keys are PEM: PKCS#8, encrypted or not, or what `cosign generate-key-pair` writes (scrypt and NaCl's secretbox).
Source: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from mcci.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

COSIGN_LABELS = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")


class Verifier:
    """A public key."""

    def __init__(self, key: PublicKeyTypes) -> None:
        self._key = key

    def accepts(self, data: bytes, signature: bytes) -> bool:
        """Return whether `signature` is of `data`, by this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

        try:
            match self._key:
                case ec.EllipticCurvePublicKey():
                    self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
                case rsa.RSAPublicKey():
                    self._key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
                case ed25519.Ed25519PublicKey():
                    self._key.verify(signature, data)
                case _:
                    return False
        except InvalidSignature:
            return False
        return True

    @property
    def pem(self) -> str:
        """The key as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return str(self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "ascii")


class Signer:
    """A private key; it never leaves this object."""

    def __init__(self, key: PrivateKeyTypes) -> None:
        self._key = key

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`: ECDSA or RSA (PKCS#1 v1.5) over SHA-256, or Ed25519."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

        match self._key:
            case ec.EllipticCurvePrivateKey():
                return bytes(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
            case rsa.RSAPrivateKey():
                return bytes(self._key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
            case ed25519.Ed25519PrivateKey():
                return bytes(self._key.sign(data))
        raise UsageError(
            "the signing key is of a kind that cosign does not sign with: use ECDSA P-256, RSA or Ed25519."
        )

    @property
    def verifier(self) -> Verifier:
        """The public key that goes with it."""
        return Verifier(self._key.public_key())


def load_signer(pem: str, password: str, where: str) -> Signer:
    """Return the private key in `pem`; `where` names it in messages. Raises `UsageError`, without any of the key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        if any(label in pem for label in COSIGN_LABELS):
            return Signer(serialization.load_der_private_key(_open_cosign(pem, password, where), None))
        encrypted = "ENCRYPTED" in pem
        return Signer(serialization.load_pem_private_key(pem.encode(), password.encode() if encrypted else None))
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"the key in {where} cannot be read: it is no PEM private key, or its password (COSIGN_PASSWORD) is wrong."
        ) from error


def load_verifier(pem: str, where: str) -> Verifier:
    """Return the public key in `pem`. Raises `UsageError`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        return Verifier(serialization.load_pem_public_key(pem.encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{where} is no PEM public key, as `cosign generate-key-pair` writes it to cosign.pub."
        ) from error


def _open_cosign(pem: str, password: str, where: str) -> bytes:
    """Return the DER key in cosign's own encryption."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError as error:
        raise UsageError(
            f"{where} is in cosign's own encryption, which needs PyNaCl: `pip install 'mcci[cosign]'`."
        ) from error
    body: dict[str, Any] = json.loads(base64.b64decode("".join(pem.strip().splitlines()[1:-1])))
    kdf, cipher = body["kdf"], body["cipher"]
    if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
        raise ValueError("unknown encryption")
    params = kdf["params"]
    salt = base64.b64decode(kdf["salt"])
    key = Scrypt(salt=salt, length=32, n=params["N"], r=params["r"], p=params["p"]).derive(password.encode())
    try:
        return bytes(SecretBox(key).decrypt(base64.b64decode(body["ciphertext"]), base64.b64decode(cipher["nonce"])))
    except CryptoError as error:
        raise ValueError("wrong password") from error
