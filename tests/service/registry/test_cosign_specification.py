"""What cosign's specification asks for, point by point, of signatures in a real registry: read without mcci's own code.

cosign itself has not been run. The points are those of its repository, as of 2024 and later:
SIGNATURE_SPEC.md and ATTESTATION_SPEC.md in https://github.com/sigstore/cosign/tree/main/specs , and, for the payload's
bytes, pkg/signature/payload in https://github.com/sigstore/sigstore .
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mcci.clients.signing import Signer
from mcci.delivery.supply_chain.attach import attach
from mcci.delivery.supply_chain.provenance import Build
from tests.service.registry import images
from tests.service.registry.project import COMMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.reference import Reference
    from tests.service.registry.project import Project

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the registry holds: the signatures' manifest, the attestations', and the bytes of each one's layers."""

    digest: str
    repository: str
    signatures: dict[str, Any]
    payloads: list[bytes]
    attestations: dict[str, Any]
    envelopes: list[dict[str, Any]]


def fetch(registry: Registry, repository: Reference, kind: str, name: str) -> bytes:
    """Return what the registry answers."""
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    path = f"/v2/{repository.repository}/{kind}/{name}"
    return registry.http.request("GET", path, "", what="reading", headers=accept).content


@pytest.fixture
def stored(project: Project, candidates: Registry) -> Stored:
    """Sign an image with two keys, one after the other, and read what is there by the specification's own names."""
    repository, meant = project.built("cart"), project.release("cart")
    manifest = images.push(candidates, repository, [images.layer({"etc/os-release": b"ID=debian\n"})])
    build = Build(
        service="cart", image=repository.at(manifest.digest), identity=meant, content_tag="content-1", commit=COMMIT
    )
    for key in (KEY, OTHER):
        attach(candidates, build, Signer(key))
    tag = manifest.digest.replace(":", "-")  # "Replace the : character with a -", "Append the .sig suffix"
    signatures = json.loads(fetch(candidates, repository, "manifests", f"{tag}.sig"))
    attestations = json.loads(fetch(candidates, repository, "manifests", f"{tag}.att"))
    layers = [fetch(candidates, repository, "blobs", each["digest"]) for each in signatures["layers"]]
    envelopes = [fetch(candidates, repository, "blobs", each["digest"]) for each in attestations["layers"]]
    return Stored(
        digest=manifest.digest, repository=meant.name, signatures=signatures, payloads=layers,
        attestations=attestations, envelopes=[json.loads(each) for each in envelopes],
    )  # fmt: skip


def is_image_manifest(stored: Stored) -> bool:
    kinds = {each["config"]["mediaType"] for each in (stored.signatures, stored.attestations)}
    return stored.signatures["schemaVersion"] == 2 and kinds == {"application/vnd.oci.image.config.v1+json"}


def holds_both_signatures(stored: Stored) -> bool:
    return len(stored.signatures["layers"]) == 2


def points_at_payloads(stored: Stored) -> bool:
    told = [(each["digest"], each["size"]) for each in stored.signatures["layers"]]
    return told == [(f"sha256:{hashlib.sha256(each).hexdigest()}", len(each)) for each in stored.payloads]


def has_the_payload_type(stored: Stored) -> bool:
    kinds = {each["mediaType"] for each in stored.signatures["layers"]}
    return kinds == {"application/vnd.dev.cosign.simplesigning.v1+json"}


def names_the_image(stored: Stored) -> bool:
    critical = [json.loads(each)["critical"] for each in stored.payloads]
    return all(
        each["image"]["docker-manifest-digest"] == stored.digest
        and each["type"] == "cosign container image signature"
        and each["identity"]["docker-reference"] == stored.repository
        for each in critical
    )


def is_written_as_cosign_does(stored: Stored) -> bool:
    expected = (
        f'{{"critical":{{"identity":{{"docker-reference":"{stored.repository}"}},'
        f'"image":{{"docker-manifest-digest":"{stored.digest}"}},"type":"cosign container image signature"}},'
        '"optional":null}'
    )
    return stored.payloads == [expected.encode()] * 2


def verifies(stored: Stored) -> bool:
    for key, layer, payload in zip((KEY, OTHER), stored.signatures["layers"], stored.payloads, strict=True):
        signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"], validate=True)
        key.public_key().verify(signature, payload, ec.ECDSA(hashes.SHA256()))  # raises where it is not of this key
    return True


def has_the_envelope_type(stored: Stored) -> bool:
    kinds = {each["mediaType"] for each in stored.attestations["layers"]}
    return kinds == {"application/vnd.dsse.envelope.v1+json"}


def attests_the_image(stored: Stored) -> bool:
    algorithm, _, value = stored.digest.partition(":")
    subjects = [json.loads(base64.b64decode(each["payload"]))["subject"] for each in stored.envelopes]
    return all(subject["digest"] == {algorithm: value} for each in subjects for subject in each)


def envelopes_verify(stored: Stored) -> bool:
    for each in stored.envelopes:
        payload, kind = base64.b64decode(each["payload"], validate=True), each["payloadType"]
        signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
        (signature,) = each["signatures"]
        OTHER.public_key().verify(base64.b64decode(signature["sig"]), signed, ec.ECDSA(hashes.SHA256()))
    return {each["payloadType"] for each in stored.envelopes} == {"application/vnd.in-toto+json"}


POINTS: dict[str, Callable[[Stored], bool]] = {
    "SIGNATURE_SPEC.md, OCI Image Manifest V1: an image manifest, whose config is an image's": is_image_manifest,
    "SIGNATURE_SPEC.md, OCI Image Manifest V1: one manifest for all signatures of an object": holds_both_signatures,
    "SIGNATURE_SPEC.md, Payload and mediaType: the payload is a blob, its descriptor a layer": points_at_payloads,
    "SIGNATURE_SPEC.md, Simple Signing: mediaType of the payload": has_the_payload_type,
    "SIGNATURE_SPEC.md, Simple Signing: critical.type, and the digest of the image": names_the_image,
    "sigstore, pkg/signature/payload: order of keys, no spaces, optional null": is_written_as_cosign_does,
    "SIGNATURE_SPEC.md, Signature and Signature Schemes: base64 annotation, ECDSA-P256 over SHA-256": verifies,
    "ATTESTATION_SPEC.md, Overall Layout: each attestation a layer, a DSSE envelope": has_the_envelope_type,
    "ATTESTATION_SPEC.md, Subject Verification: the subject is the image": attests_the_image,
    "DSSE's protocol.md: the signature is of the pre-authentication encoding": envelopes_verify,
}


def test_specification(stored: Stored) -> None:
    """Every point of the specification holds for what lies in the registry."""
    assert {point: check(stored) for point, check in POINTS.items()} == dict.fromkeys(POINTS, True)
