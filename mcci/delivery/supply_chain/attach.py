"""Attaches to an image, in its registry, what is in it, how it was made, and a signature."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcci.clients import files, signing
from mcci.clients.registry import manifests
from mcci.clients.registry.errors import NotThere
from mcci.clients.registry.layers import Layers
from mcci.clients.registry.manifests import Descriptor, Manifest
from mcci.delivery.supply_chain import cosign, dsse, packages, provenance, sbom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.reference import Reference
    from mcci.clients.signing import Signer
    from mcci.delivery.supply_chain.provenance import Build

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
KEY, PASSWORD = "COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What was attached: the bill of materials' text, and the digests of the manifests."""

    sbom: str
    digests: tuple[str, ...]
    is_signed: bool


def signer(environment: Mapping[str, str]) -> Signer | None:
    """Return the key in COSIGN_PRIVATE_KEY (its text, or the path of a file), or None where there is none.

    `cosign generate-key-pair gitlab://GROUP/PROJECT` sets this variable and COSIGN_PASSWORD. Raises `UsageError`.
    """
    given = environment.get(KEY, "").strip()
    if not given:
        return None
    return signing.load_signer(pem(given, KEY), environment.get(PASSWORD, ""), f"${KEY}")


def pem(given: str, where: str) -> str:
    """Return a key that is given as its text, or as the path of a file. Raises `InvalidInput`."""
    if given.lstrip().startswith("-----BEGIN"):
        return given
    return files.read(Path(given), advice=f"{where} is a PEM key, or the path of a file that holds one.").decode()


def attach(registry: Registry, build: Build, key: Signer | None, layers: Layers | None = None) -> Attached:
    """Attach a CycloneDX SBOM, SLSA provenance and, with a key, signatures to `build.image`. Idempotent but for times.

    Without a key the provenance is a plain statement. `layers` are those that were read already. Raises what registries
    raise.
    """
    image = build.image
    subject = registry.get_manifest(image)
    found = packages.find((layers or Layers(packages.FILES)).files(registry, image))
    meant = build.identity.at(image.digest)
    bill = sbom.write(meant, build.service, found, str(registry.config(image).get("created") or ""))
    made = [_artifact(registry, image, subject, sbom.MEDIA_TYPE, [(sbom.MEDIA_TYPE, bill.encode(), {})])]
    statements = {
        provenance.PREDICATE: provenance.predicate(build),
        sbom.PREDICATE: json.loads(bill),
    }
    if key is None:
        about = dsse.statement(meant.name, image.digest, provenance.PREDICATE, statements[provenance.PREDICATE])
        made.append(_artifact(registry, image, subject, dsse.PAYLOAD_TYPE, [(dsse.PAYLOAD_TYPE, about, {})]))
    else:
        envelopes = [
            (dsse.ENVELOPE_TYPE, dsse.envelope(dsse.statement(meant.name, image.digest, kind, each), key),
             {"predicateType": kind, cosign.ANNOTATION: ""})
            for kind, each in statements.items()
        ]  # fmt: skip
        attested = _artifact(registry, image, subject, dsse.PAYLOAD_TYPE, envelopes, is_cosign=True)
        registry.put_manifest(image.at(cosign.tag(image.digest, "att")), attested)
        made += [attested, _sign(registry, image, subject, meant.name, key)]
    return Attached(sbom=bill, digests=tuple(each.digest for each in made), is_signed=key is not None)


def _sign(registry: Registry, image: Reference, subject: Manifest, name: str, key: Signer) -> Manifest:
    """Sign the image, beside the signatures that it has; where one is by this key already, that is kept."""
    tagged = image.at(cosign.tag(image.digest))
    data = cosign.payload(name, image.digest)
    try:
        before: Manifest | None = registry.get_manifest(tagged)
    except NotThere:
        before = None
    others = before.layers if before else ()
    verifier = key.verifier
    if before and any(not cosign.fault(each, data, name, image.digest, verifier) for each in others):
        return before
    signature = base64.b64encode(key.sign(data)).decode()
    layer = _layer(registry, image, cosign.PAYLOAD_TYPE, data, {cosign.ANNOTATION: signature})
    config = _config(registry, image, [*others, layer])
    signed = manifests.build(
        config=config, layers=[*others, layer], artifact_type=cosign.SIGNATURE_ARTIFACT, subject=subject.descriptor
    )
    registry.put_referrer(image, signed)
    registry.put_manifest(tagged, signed)
    return signed


def _artifact(
    registry: Registry,
    image: Reference,
    subject: Manifest,
    kind: str,
    parts: list[tuple[str, bytes, dict[str, str]]],
    *,
    is_cosign: bool = False,
) -> Manifest:
    """Store what refers to the image; `is_cosign` gives it the configuration that cosign's specifications show."""
    blobs = [_layer(registry, image, media_type, data, notes) for media_type, data, notes in parts]
    if is_cosign:
        config = _config(registry, image, blobs)
    else:
        config = _layer(registry, image, manifests.OCI_EMPTY, manifests.EMPTY, {})
    manifest = manifests.build(config=config, layers=blobs, artifact_type=kind, subject=subject.descriptor)
    registry.put_referrer(image, manifest)
    return manifest


def _layer(registry: Registry, image: Reference, kind: str, data: bytes, notes: Mapping[str, str]) -> Descriptor:
    found = Descriptor(media_type=kind, digest=registry.put_blob(image, data), size=len(data))
    return replace(found, annotations=notes)


def _config(registry: Registry, image: Reference, layers_: list[Descriptor]) -> Descriptor:
    """Return the configuration that cosign gives what it stores: an image's, whose layers are the payloads."""
    rootfs = {"type": "layers", "diff_ids": [layer.digest for layer in layers_]}
    body = {"architecture": "", "created": "0001-01-01T00:00:00Z", "os": "", "rootfs": rootfs, "config": {}}
    data = json.dumps(body, separators=(",", ":")).encode()
    return _layer(registry, image, CONFIG_TYPE, data, {})
