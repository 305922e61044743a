"""Looks whether an image is signed by a key, before anything is deployed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.clients.registry.errors import NotThere
from mcci.delivery.supply_chain import cosign
from mcci.errors import McciError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcci.clients.registry.client import Registry
    from mcci.clients.registry.manifests import Manifest
    from mcci.clients.registry.reference import Reference
    from mcci.clients.signing import Verifier


class NotSigned(McciError):
    """An image has no good signature."""


def verify(registry: Registry, image: Reference, verifier: Verifier) -> None:
    """Return when `image` (by digest) is signed by this key for its repository. Raises `NotSigned`, `Mismatch`."""
    registry.get_manifest(image)  # its bytes are what the digest says
    faults = []
    for manifest in _signatures(registry, image):
        for layer in manifest.layers:
            if layer.media_type == cosign.PAYLOAD_TYPE:
                fault = cosign.fault(layer, registry.blob(image, layer), image.name, image.digest, verifier)
                if not fault:
                    return
                faults.append(fault)
    raise NotSigned(f"{image} is not signed: {_why(faults)}.")


def _signatures(registry: Registry, image: Reference) -> Iterator[Manifest]:
    """Yield the signatures that cosign's tag leads to, then those among the referrers."""
    seen = set()
    try:
        tagged = registry.get_manifest(image.at(cosign.tag(image.digest)))
        seen.add(tagged.digest)
        yield tagged
    except NotThere:
        pass
    for each in registry.referrers(image):
        if each.artifact_type == cosign.SIGNATURE_ARTIFACT and each.digest not in seen:
            yield registry.get_manifest(image.at(each.digest))


def _why(faults: Iterable[str]) -> str:
    told = list(dict.fromkeys(faults))
    return "of its signatures, " + "; ".join(told) if told else "it has no signature"
